import type {
  CorruptReport,
  Deletion,
  StoredEntry,
  Touch,
  Write,
  WriteResult,
} from "../../databank/driver.js";
import { isLive, isMet, laterOf } from "../../databank/entry.js";
import { DatabankError } from "../../databank/errors.js";
import { isLonger } from "../../databank/text-bytes.js";
import type { CouchbaseCollection, CouchbaseModule } from "./client.js";
import { isLostRace, isOutOfReach, nameOf } from "./client-error.js";
import { expiryFor, fromDocument, idInDocument, textTranscoder, toDocument } from "./document.js";
import { Keys } from "./keys.js";
import { Memory, type Remembered } from "./remembered.js";

/** The longest value. Documents may have 20 MiB; the rest is for what else is in them. */
export const MAX_VALUE_BYTES = 20 * 2 ** 20 - 2 ** 16;

// Whoever loses so often has lost against as many others that won.
const MAX_ATTEMPTS = 200;

/** What the documents of entries are in, and how they are stored. */
export interface Place {
  readonly collection: CouchbaseCollection;
  readonly MutateInSpec: CouchbaseModule["MutateInSpec"];
  readonly prefix: string;
  readonly durabilityLevel: number;
  readonly onCorrupt: (report: CorruptReport) => void;
}

/** A document, and the entry in it unless it is none of ours. */
interface Found extends Remembered {
  readonly entry: StoredEntry | null;
}

/**
 * The documents of entries.
 *
 * Couchbase changes a document on condition that its CAS is a certain one, so that a condition on
 * a version needs a look first. What this process has seen last is remembered: as a rule a request
 * has read what it writes, and then one round trip is enough. The CAS decides whether the memory
 * is right, and whoever is refused by it looks and tries again.
 */
export class Documents {
  readonly keys: Keys;
  readonly #place: Place;
  readonly #memory = new Memory();

  constructor(place: Place) {
    this.keys = new Keys(place.prefix);
    this.#place = place;
  }

  async read(type: string, id: string): Promise<StoredEntry | null> {
    return entryOf(await this.#find(type, this.keys.of(type, id), id));
  }

  /** The live entry under a key that a listing has found, or `null`. */
  async readKey(type: string, key: string): Promise<StoredEntry | null> {
    return entryOf(await this.#find(type, key, this.keys.idIn(key, type)));
  }

  async write(type: string, write: Write): Promise<WriteResult> {
    const key = this.keys.of(type, write.id);
    const isAhead = isLive(write.expiresAt, Date.now());
    if (isAhead && write.if === undefined && !write.extend) {
      await this.#put("upsert", key, type, write);
      return "done";
    }
    if (isAhead && write.if === "absent" && (await this.#create(key, type, write))) return "done";
    return this.#persist(key, async (remembered) => {
      const isUsable = isMet(write.if, liveIn(remembered));
      const looked = isUsable && remembered ? null : await this.#find(type, key, write.id);
      const found = isUsable && remembered ? remembered : looked;
      const current = liveIn(found);
      if (!isMet(write.if, current)) return { conflict: entryOf(looked) };
      const expiresAt =
        write.extend && current ? laterOf(current.expiresAt, write.expiresAt) : write.expiresAt;
      if (!isLive(expiresAt, Date.now())) {
        if (found) await this.#remove(key, found);
      } else if (found) {
        await this.#put("replace", key, type, { ...write, expiresAt }, found);
      } else {
        await this.#put("insert", key, type, { ...write, expiresAt });
      }
      return "done";
    });
  }

  async touch(type: string, { id, expiresAt }: Touch): Promise<boolean> {
    const key = this.keys.of(type, id);
    return this.#persist(key, async (remembered) => {
      const known = liveIn(remembered);
      if (known && laterOf(known.expiresAt, expiresAt) !== known.expiresAt) {
        const isMoved = await this.#moveDeadline(key, known, laterOf(known.expiresAt, expiresAt));
        if (isMoved) return true;
      }
      const found = await this.#find(type, key, id);
      const entry = entryOf(found);
      if (!found || !entry) return false;
      const deadline = laterOf(entry.expiresAt, expiresAt);
      if (deadline === entry.expiresAt) return true;
      const isMoved = await this.#moveDeadline(key, found, deadline);
      if (!isMoved) await this.#put("replace", key, type, { ...entry, expiresAt: deadline }, found);
      return true;
    });
  }

  async del(type: string, { id, if: version }: Deletion): Promise<boolean> {
    const key = this.keys.of(type, id);
    return this.#persist(key, async (remembered) => {
      const known = liveIn(remembered);
      const current =
        known && isMet(version, known) ? known : liveIn(await this.#find(type, key, id));
      if (!current || !isMet(version, current)) return false;
      await this.#remove(key, current);
      return true;
    });
  }

  /** Deletes a document, whatever is in it. */
  async removeKey(key: string): Promise<void> {
    this.#memory.forget(key);
    try {
      await this.#place.collection.remove(key, this.#options());
    } catch (error) {
      if (nameOf(error) !== "DocumentNotFoundError") throw error;
    }
  }

  /**
   * Tries until nobody else changes the document in between: first with what is remembered, then
   * with what is there.
   */
  async #persist<R>(
    key: string,
    attempt: (remembered: Remembered | undefined) => Promise<R>,
  ): Promise<R> {
    let remembered = this.#memory.of(key);
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await attempt(remembered);
      } catch (error) {
        this.#memory.forget(key);
        if (!isLostRace(error) || attempts === MAX_ATTEMPTS) throw error;
        remembered = undefined;
      }
    }
  }

  async #create(key: string, type: string, write: Write): Promise<boolean> {
    try {
      await this.#put("insert", key, type, write);
      return true;
    } catch (error) {
      if (nameOf(error) !== "DocumentExistsError") throw error;
      return false;
    }
  }

  async #put(
    how: "insert" | "upsert" | "replace",
    key: string,
    type: string,
    entry: StoredEntry,
    before?: Remembered | null,
  ): Promise<void> {
    if (isLonger(entry.json, MAX_VALUE_BYTES)) throw tooLarge();
    // Couchbase forgets the expiry at each change that does not name it.
    const options = this.#options({
      expiry: expiryFor(entry.expiresAt),
      transcoder: textTranscoder,
      ...(before && { cas: before.cas }),
    });
    // What a change that got no answer has left behind is not known.
    this.#memory.forget(key);
    const { version, expiresAt } = entry;
    try {
      const { cas } = await this.#place.collection[how](key, toDocument(type, entry), options);
      this.#memory.remember(key, { cas: String(cas), version, expiresAt });
    } catch (error) {
      throw nameOf(error) === "ValueTooLargeError" ? tooLarge(error) : error;
    }
  }

  async #remove(key: string, { cas }: Remembered): Promise<void> {
    this.#memory.forget(key);
    await this.#place.collection.remove(key, this.#options({ cas }));
  }

  /** Changes the deadline alone. Returns `false` where the whole document has to be replaced. */
  async #moveDeadline(key: string, before: Remembered, expiresAt: number | null): Promise<boolean> {
    const expiry = expiryFor(expiresAt);
    // A change of a part cannot take away an expiry that the document has.
    if (expiry === 0) return false;
    const specs = [this.#place.MutateInSpec.upsert("expiresAt", expiresAt)] as never[];
    this.#memory.forget(key);
    try {
      const options = this.#options({ cas: before.cas, expiry });
      const { cas } = await this.#place.collection.mutateIn(key, specs, options);
      this.#memory.remember(key, { cas: String(cas), version: before.version, expiresAt });
      return true;
    } catch (error) {
      if (isLostRace(error) || isOutOfReach(error)) throw error;
      // Couchbase does not change parts of documents that are nested more than 32 times.
      return false;
    }
  }

  async #find(type: string, key: string, id: string | undefined): Promise<Found | null> {
    let cas: string;
    let content: unknown;
    try {
      const found = await this.#place.collection.get(key, { transcoder: textTranscoder });
      cas = String(found.cas);
      content = found.content;
    } catch (error) {
      this.#memory.forget(key);
      if (nameOf(error) === "DocumentNotFoundError") return null;
      throw error;
    }
    try {
      const entry = fromDocument(id ?? idInDocument(content), content);
      const { version, expiresAt } = entry;
      this.#memory.remember(key, { cas, version, expiresAt });
      return { cas, version, expiresAt, entry };
    } catch (cause) {
      this.#memory.forget(key);
      this.#place.onCorrupt({ type, cause });
      // As good as expired, and yet in the way.
      return { cas, version: "", expiresAt: Number.NEGATIVE_INFINITY, entry: null };
    }
  }

  #options(options: object = {}): object {
    const { durabilityLevel } = this.#place;
    return durabilityLevel === 0 ? options : { ...options, durabilityLevel };
  }
}

function liveIn<F extends Remembered>(found: F | null | undefined): F | null {
  return found && isLive(found.expiresAt, Date.now()) ? found : null;
}

function entryOf(found: Found | null): StoredEntry | null {
  return liveIn(found)?.entry ?? null;
}

function tooLarge(cause?: unknown): DatabankError {
  return new DatabankError("The value is larger than Couchbase can hold, which is 20 MB in all", {
    code: "DATABANK_VALUE_TOO_LARGE",
    cause,
  });
}
