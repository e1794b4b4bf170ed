import type {
  Criterion,
  DeletedPage,
  Deletion,
  EntryPage,
  Page,
  Read,
  StoredEntry,
  Touch,
  UnchangedEntry,
  Write,
  WriteResult,
} from "../../databank/driver.js";
import { DELETION_GRACE_MS, laterOf } from "../../databank/entry.js";
import { DatabankError } from "../../databank/errors.js";
import { isLonger } from "../../databank/text-bytes.js";
import { run, runAll, runEach } from "./batch.js";
import type { Collection } from "./client.js";
import { Documents, tooBusy } from "./documents.js";
import { toId } from "./names.js";
import { filterOf } from "./search.js";
import { live, type Statement, touchStatement, writeStatement } from "./statements.js";

export const MAX_VALUE_BYTES = 16_000_000;

const MAX_PARALLEL = 8;
// All texts, and nothing else: what has another id is not from a databank.
const TEXTS = { $gte: "" };

/** The entries of one type. */
export class Entries {
  readonly #collection: Collection;
  readonly #documents: Documents;
  readonly #pkey: string | undefined;
  readonly #canTell: () => Promise<boolean>;

  /**
   * @param pkey - The property that version 1 took out of values, because it is the id.
   * @param canTell - Whether the server tells what became of each part of a batch.
   */
  constructor(
    collection: Collection,
    pkey: string | undefined,
    canTell: () => Promise<boolean>,
    onCorrupt: (cause: unknown) => void,
  ) {
    this.#collection = collection;
    this.#pkey = pkey;
    this.#canTell = canTell;
    this.#documents = new Documents(collection, pkey, onCorrupt);
  }

  async read(reads: readonly Read[]): Promise<readonly (StoredEntry | UnchangedEntry | null)[]> {
    const documents = await this.#documents.find(reads);
    return reads.map(({ known }, i) => this.#documents.news(documents[i] ?? null, known));
  }

  async write(writes: readonly Write[]): Promise<readonly WriteResult[]> {
    const now = Date.now();
    const results = new Map<Write, WriteResult>();
    const statements = new Map<Write, Statement>();
    for (const write of writes) {
      if (isLonger(write.json, MAX_VALUE_BYTES)) results.set(write, tooLarge());
      else {
        const statement = writeStatement(write, now);
        if (statement) statements.set(write, statement);
      }
    }
    const isDone = await this.#runEach([...statements.values()]);
    for (const [i, write] of [...statements.keys()].entries()) {
      if (isDone[i]) results.set(write, "done");
    }
    const open = writes.filter((write) => !results.has(write));
    if (open.length > 0) {
      const documents = await this.#documents.find(open);
      const settled = await inParallel(open, (write, i) =>
        this.#documents.settle(write, documents[i] ?? null),
      );
      for (const [i, write] of open.entries()) results.set(write, settled[i] ?? tooBusy());
    }
    return writes.map((write) => results.get(write) ?? tooBusy());
  }

  async touch(touches: readonly Touch[]): Promise<readonly boolean[]> {
    const now = Date.now();
    const statements = touches.map((touch) => touchStatement(touch, now));
    const [first] = statements;
    const found =
      first && statements.length === 1
        ? Number(await run(this.#collection, first))
        : await runAll(this.#collection, statements);
    if (found === touches.length) return touches.map(() => true);
    // Those that were touched have their deadlines, and those that never expire need none.
    const entries = (await this.#documents.find(touches)).map((document) =>
      this.#documents.live(document),
    );
    return inParallel(touches, async (touch, i) => {
      const entry = entries[i];
      if (!entry) return false;
      if (laterOf(entry.expiresAt, touch.expiresAt) === entry.expiresAt) return true;
      return run(this.#collection, touchStatement(touch, Date.now()));
    });
  }

  del(deletions: readonly Deletion[]): Promise<readonly boolean[]> {
    // Of a batch the server tells how many it deleted, and not which.
    return inParallel(deletions, async ({ id, if: version }) => {
      const condition = version === undefined ? {} : { version };
      const filter = { _id: toId(id), ...condition, ...live(Date.now()) };
      const { deletedCount } = await this.#collection.deleteOne(filter);
      if (deletedCount === 1 || version === undefined) return deletedCount === 1;
      return this.#documents.deleteForeign(id, version);
    });
  }

  async scan(filter: object, { limit, cursor }: Page): Promise<EntryPage> {
    const documents = await this.#collection
      .find(
        { _id: cursor === null ? TEXTS : { $gt: cursor }, ...filter },
        { sort: { _id: 1 }, limit, batchSize: limit },
      )
      .toArray();
    const entries = documents
      .map((document) => this.#documents.live(document))
      .filter((each) => each !== null);
    const isLast = documents.length < limit;
    return { entries, cursor: isLast ? null : (documents.at(-1)?._id ?? null) };
  }

  search(criteria: readonly Criterion[], page: Page): Promise<EntryPage> {
    return this.scan(filterOf(criteria, this.#pkey), page);
  }

  count(): Promise<number> {
    return this.#collection.countDocuments({ _id: TEXTS, ...live(Date.now()) });
  }

  /** Deletes the first `limit` entries by id, live or not. */
  async clear(limit: number): Promise<DeletedPage> {
    const found = await this.#collection
      .find({ _id: TEXTS }, { projection: { _id: 1 }, sort: { _id: 1 }, limit, batchSize: limit })
      .toArray();
    const last = found.at(-1)?._id;
    if (last === undefined) return { deleted: 0, cursor: null };
    const { deletedCount } = await this.#collection.deleteMany({ _id: { ...TEXTS, $lte: last } });
    return { deleted: deletedCount, cursor: found.length < limit ? null : "more" };
  }

  /** Deletes up to `limit` entries that have expired, and resolves to whether it found fewer. */
  async cleanUp(limit: number): Promise<{ deleted: number; isLast: boolean }> {
    const expired = { expiresAt: { $lte: new Date(Date.now() - DELETION_GRACE_MS) } };
    const found = await this.#collection
      .find({ _id: TEXTS, ...expired }, { projection: { _id: 1 }, limit, batchSize: limit })
      .toArray();
    if (found.length === 0) return { deleted: 0, isLast: true };
    const _id = { $in: found.map((document) => document._id) };
    // One that has been touched in the meantime lives on.
    const { deletedCount } = await this.#collection.deleteMany({ _id, ...expired });
    return { deleted: deletedCount, isLast: found.length < limit };
  }

  async #runEach(statements: readonly Statement[]): Promise<readonly boolean[]> {
    if (statements.length > 1 && (await this.#canTell())) {
      return runEach(this.#collection, statements);
    }
    return inParallel(statements, (statement) => run(this.#collection, statement));
  }
}

/** Does something with each member, a few at a time, and rejects with the first error. */
async function inParallel<M, R>(
  members: readonly M[],
  task: (member: M, i: number) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const entries = members.entries();
  const worker = async () => {
    for (const [i, member] of entries) results[i] = await task(member, i);
  };
  await Promise.all(Array.from({ length: Math.min(MAX_PARALLEL, members.length) }, worker));
  return results;
}

function tooLarge(): DatabankError {
  return new DatabankError(
    `The value is larger than the ${MAX_VALUE_BYTES} bytes that the mongodb databank can hold`,
    { code: "DATABANK_VALUE_TOO_LARGE" },
  );
}
