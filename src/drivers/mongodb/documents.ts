import type { StoredEntry, UnchangedEntry, Write, WriteResult } from "../../databank/driver.js";
import { isLive, isMet, laterOf } from "../../databank/entry.js";
import { DatabankError } from "../../databank/errors.js";
import type { Collection } from "./client.js";
import { contentOf, type Document, exactly, newsIn, storedIn, toDate } from "./document.js";
import { isDuplicate } from "./errors.js";
import { toId } from "./names.js";

const MAX_ATTEMPTS = 50;

/** The documents of one collection, whatever they hold: ours, those of version 1, and others. */
export class Documents {
  readonly #collection: Collection;
  readonly #pkey: string | undefined;
  readonly #onCorrupt: (cause: unknown) => void;

  /** @param pkey - The property that version 1 took out of values, because it is the id. */
  constructor(
    collection: Collection,
    pkey: string | undefined,
    onCorrupt: (cause: unknown) => void,
  ) {
    this.#collection = collection;
    this.#pkey = pkey;
    this.#onCorrupt = onCorrupt;
  }

  /** The documents of some ids, as they are, in order. */
  async find(members: readonly { readonly id: string }[]): Promise<readonly (Document | null)[]> {
    const ids = members.map(({ id }) => toId(id));
    const [first] = ids;
    if (first !== undefined && ids.length === 1) {
      return [await this.#collection.findOne({ _id: first })];
    }
    const found = await this.#collection
      .find({ _id: { $in: ids } }, { batchSize: ids.length + 1 })
      .toArray();
    const documents = new Map(found.map((document) => [document._id, document]));
    return ids.map((id) => documents.get(id) ?? null);
  }

  /** The entry in a document, if there is one and it is live. */
  live(document: Document | null): StoredEntry | null {
    return this.#live(document, storedIn);
  }

  /** The same, without its value where the version is the known one. */
  news(document: Document | null, known: string | undefined): StoredEntry | UnchangedEntry | null {
    return this.#live(document, (found, pkey) => newsIn(found, pkey, known));
  }

  #live<E extends StoredEntry | UnchangedEntry>(
    document: Document | null,
    entryIn: (document: Document, pkey: string | undefined) => E,
  ): E | null {
    if (!document) return null;
    try {
      const entry = entryIn(document, this.#pkey);
      return isLive(entry.expiresAt, Date.now()) ? entry : null;
    } catch (cause) {
      this.#onCorrupt(cause);
      return null;
    }
  }

  /** Does a write in steps, each on condition that nothing has changed since it was read. */
  async settle(write: Write, read: Document | null): Promise<WriteResult> {
    let document = read;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const current = this.live(document);
      if (!isMet(write.if, current)) return { conflict: current };
      const expiresAt =
        write.extend && current ? laterOf(current.expiresAt, write.expiresAt) : write.expiresAt;
      if (await this.#replace(document, { ...write, expiresAt })) return "done";
      document = await this.#collection.findOne({ _id: toId(write.id) });
    }
    return tooBusy();
  }

  /** Puts an entry in the place of a document, or of none, unless that has changed. */
  async #replace(document: Document | null, write: Write): Promise<boolean> {
    const collection = this.#collection;
    if (!isLive(write.expiresAt, Date.now())) {
      if (!document) return true;
      return (await collection.deleteOne(exactly(document))).deletedCount === 1;
    }
    const fields = { ...contentOf(write), expiresAt: toDate(write.expiresAt) };
    if (document) {
      return (await collection.replaceOne(exactly(document), fields)).matchedCount === 1;
    }
    try {
      await collection.insertOne({ _id: toId(write.id), ...fields });
      return true;
    } catch (error) {
      if (isDuplicate(error)) return false;
      throw error;
    }
  }

  /** Deletes an entry whose version is made of its content. */
  async deleteForeign(id: string, version: string): Promise<boolean> {
    const document = await this.#collection.findOne({ _id: toId(id) });
    if (!document || this.live(document)?.version !== version) return false;
    return (await this.#collection.deleteOne(exactly(document))).deletedCount === 1;
  }
}

/** What a write is told that others were always faster than. */
export function tooBusy(): DatabankError {
  return new DatabankError("Others changed the entry again and again while it was written", {
    code: "DATABANK_CONFLICT",
  });
}
