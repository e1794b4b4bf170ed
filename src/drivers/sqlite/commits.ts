import { setTimeout as delay } from "node:timers/promises";
import type { Answer } from "../../databank/answer.js";
import { DatabankError } from "../../databank/errors.js";
import { isBusy, isFatal, type SqliteDatabase } from "./engine.js";

/** How long a call waits for a lock that somebody else holds, in milliseconds. */
const PATIENCE_MS = 10_000;
/** How long one transaction may keep the event loop, in milliseconds, its commit aside. */
const MAX_TURN_MS = 20;
const MAX_PAUSE_MS = 20;

interface Work {
  readonly begun: number;
  run(): void;
  /** Runs it without a transaction, and returns whether it is done. */
  runAlone(): boolean;
  settle(): void;
  reject(error: unknown): void;
}

/**
 * Lets the changes of one turn of the event loop share a transaction, and so one wait for the
 * disk.
 *
 * Each promise settles when the transaction is committed. Where another process holds the lock
 * the whole transaction is tried again later, without blocking the event loop.
 */
export class Commits {
  readonly #database: SqliteDatabase;
  readonly #isShared: boolean;
  #waiting: Work[] = [];
  #isScheduled = false;
  #failures = 0;
  // How many of those that wait get a transaction of their own.
  #singly = 0;
  #whenIdle: (() => void)[] = [];

  /** @param isShared - Whether the program uses the database object for other things, too. */
  constructor(database: SqliteDatabase, isShared: boolean) {
    this.#database = database;
    this.#isShared = isShared;
  }

  /**
   * Runs synchronous work in the next transaction.
   *
   * @param work - May run twice: a transaction that cannot be committed is repeated.
   * @param alone - Tries to do the same in one statement, which needs no transaction, and returns
   *   `undefined` where that has changed nothing. For when nothing else is to be done.
   */
  add<T>(work: () => T, alone?: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      let settle = () => {};
      const run = () => {
        try {
          const result = work();
          settle = () => resolve(result);
        } catch (error) {
          if (isFatal(error)) throw error;
          settle = () => reject(error);
        }
      };
      const runAlone = () => {
        const result = alone?.();
        if (result === undefined) return false;
        settle = () => resolve(result);
        return true;
      };
      this.#waiting.push({
        begun: performance.now(),
        run,
        runAlone,
        settle: () => settle(),
        reject,
      });
      if (!this.#isScheduled) this.#schedule();
    });
  }

  /** Resolves once nothing is waiting. */
  async idle(): Promise<void> {
    if (this.#waiting.length === 0) return;
    await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  #schedule(): void {
    this.#isScheduled = true;
    const next = () => {
      this.#isScheduled = false;
      this.#commit();
      if (this.#waiting.length > 0) this.#schedule();
      else for (const resolve of this.#whenIdle.splice(0)) resolve();
    };
    if (this.#failures === 0) setImmediate(next);
    else setTimeout(next, pause(this.#failures));
  }

  #commit(): void {
    const group: Work[] = [];
    try {
      if (!this.#runAlone(group)) this.#runTogether(group);
    } catch (error) {
      this.#fail(group, error);
      return;
    }
    this.#failures = 0;
    this.#singly = Math.max(0, this.#singly - 1);
    for (const work of group) work.settle();
  }

  #runAlone(group: Work[]): boolean {
    const [work, another] = this.#waiting;
    // Where the program may have begun a transaction, the statement would become part of it.
    if (this.#isShared || another || !work?.runAlone()) return false;
    this.#waiting = [];
    group.push(work);
    return true;
  }

  #runTogether(group: Work[]): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      this.#runInto(group);
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  #runInto(group: Work[]): void {
    const end = performance.now() + MAX_TURN_MS;
    do {
      const work = this.#waiting.shift();
      if (!work) return;
      group.push(work);
      work.run();
    } while (this.#singly === 0 && performance.now() < end);
  }

  #fail(group: readonly Work[], error: unknown): void {
    if (isBusy(error)) {
      this.#failures += 1;
      this.#waiting = withoutImpatient([...group, ...this.#waiting], error);
      return;
    }
    this.#failures = 0;
    if (group.length > 1) {
      // One that finds no room on the disk, for instance, must not spoil the others.
      this.#waiting.unshift(...group);
      this.#singly = group.length;
      return;
    }
    this.#singly = Math.max(0, this.#singly - 1);
    // When the transaction could not even begin there is no group.
    const failed = group.length > 0 ? group : this.#waiting.splice(0);
    for (const work of failed) work.reject(error);
  }

  #rollBack(): void {
    try {
      this.#database.exec("ROLLBACK");
    } catch {
      // After some errors SQLite has rolled back by itself.
    }
  }
}

/** Reads, at once if it can be, or else as {@link patiently} does. */
export function atOnce<T>(read: () => T): Answer<T> {
  try {
    return read();
  } catch (error) {
    if (!isBusy(error)) throw error;
    return patiently(read);
  }
}

/** Reads, and tries again where another process holds a lock that readers need, too. */
export async function patiently<T>(read: () => T): Promise<T> {
  const begun = performance.now();
  for (let failures = 1; ; failures += 1) {
    try {
      return read();
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (isImpatient(begun)) throw locked(error);
    }
    await delay(pause(failures));
  }
}

// At random, so that processes that wait for each other do not meet again.
function pause(failures: number): number {
  return Math.random() * Math.min(MAX_PAUSE_MS, 2 * failures);
}

function isImpatient(begun: number): boolean {
  return performance.now() - begun > PATIENCE_MS;
}

function withoutImpatient(waiting: readonly Work[], error: unknown): Work[] {
  return waiting.filter((work) => {
    const isGone = isImpatient(work.begun);
    if (isGone) work.reject(locked(error));
    return !isGone;
  });
}

function locked(cause: unknown): DatabankError {
  return new DatabankError(
    `The SQLite file was locked by somebody else for ${PATIENCE_MS / 1000} s; nothing was changed`,
    { code: "DATABANK_TIMEOUT", cause },
  );
}
