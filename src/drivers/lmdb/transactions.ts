import type { LmdbDatabase } from "./client.js";

/**
 * Changes a database in transactions, and waits for their end without keeping the event loop:
 * another thread waits for the lock of the writers and for the disk.
 */
export class Transactions {
  readonly #root: LmdbDatabase;
  readonly #isShared: boolean;
  readonly #running = new Set<Promise<unknown>>();
  #queue: Promise<unknown> | undefined;

  /** @param isShared - Whether the program uses the root database for other things, too. */
  constructor(root: LmdbDatabase, isShared: boolean) {
    this.#root = root;
    this.#isShared = isShared;
  }

  /**
   * Runs synchronous work in a transaction, and resolves when that is committed. If the work
   * throws, or the commit fails, nothing has happened.
   *
   * @param work - May run twice: what lmdb has put into one transaction with it must not spoil it.
   */
  async run<T>(work: () => T): Promise<T> {
    if (this.#queue !== undefined) return this.#runAlone(work);
    try {
      return await this.#start(work);
    } catch (error) {
      if (!isFailedCommit(error)) throw error;
    }
    return this.#runAlone(work);
  }

  /** Resolves once no transaction is under way. */
  async idle(): Promise<void> {
    while (this.#running.size > 0 || this.#queue !== undefined) {
      await Promise.allSettled([...this.#running, this.#queue]);
    }
  }

  /** Runs work when nothing else does. While something waits for that, everything else does. */
  async #runAlone<T>(work: () => T): Promise<T> {
    const before = this.#queue ?? Promise.allSettled(this.#running);
    const done = before.then(() => this.#start(work));
    const settled = done.catch(ignore);
    this.#queue = settled;
    try {
      return await done;
    } catch (error) {
      throw await causeOf(error);
    } finally {
      if (this.#queue === settled) this.#queue = undefined;
    }
  }

  async #start<T>(work: () => T): Promise<T> {
    const done = this.#root.childTransaction(work);
    if (this.#isShared) this.#adoptOrphan();
    this.#running.add(done);
    try {
      return await done;
    } finally {
      this.#running.delete(done);
    }
  }

  /**
   * lmdb makes a second promise for the transactions of a turn, in an immediate that comes before
   * this one. Nobody has it, so that when a commit fails its rejection would end the process.
   */
  #adoptOrphan(): void {
    setImmediate(() => this.#root.committed.then(ignore, ignore));
  }
}

function ignore(): void {}

interface FailedCommit extends Error {
  /** A promise that is rejected with the reason. */
  readonly commitError: unknown;
}

function isFailedCommit(error: unknown): error is FailedCommit {
  if (!(error instanceof Error && "commitError" in error)) return false;
  Promise.resolve(error.commitError).catch(ignore);
  return true;
}

async function causeOf(error: unknown): Promise<unknown> {
  if (!isFailedCommit(error)) return error;
  try {
    await error.commitError;
  } catch (cause) {
    return cause;
  }
  return error;
}
