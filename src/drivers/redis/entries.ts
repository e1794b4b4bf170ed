import type {
  CorruptReport,
  Read,
  ReadResult,
  StoredEntry,
  UnchangedEntry,
} from "../../databank/driver.js";
import { type Connection, isReply, withoutCommand } from "./connection.js";
import { CORRUPT, fromText, isForeign, withTimeLeft } from "./entry-text.js";
import type { Keys } from "./keys.js";
import type { ServerClock } from "./server-clock.js";

// Longer headers are those of very long versions, which are then read whole.
const LAST_OF_HEADER = "127";
// Shorter texts are sent in less time than a command for each of them takes.
const LONG_TEXT = 4096;

/** What entries are made with. */
export interface EntriesParts {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly clock: ServerClock;
  /** In a cluster keys that belong together lie on different servers. */
  readonly isCluster: boolean;
  readonly onCorrupt: (report: CorruptReport) => void;
}

/** Reads entries whose ids are known: each is one key. */
export class Entries {
  readonly #parts: EntriesParts;
  /** Of what was read lately. */
  #meanLength = 0;

  constructor(parts: EntriesParts) {
    this.#parts = parts;
  }

  /** Resolves to the entry, `null` or an error for each id; rejects where the server is away. */
  async read(
    type: string,
    ids: readonly string[],
  ): Promise<readonly (StoredEntry | null | Error)[]> {
    if (ids.length === 0) return [];
    const { keys, clock } = this.#parts;
    const offset = clock.offset();
    const offsetMs = typeof offset === "number" ? offset : await offset;
    const names = ids.map((id) => keys.entry(type, id));
    const texts = await this.#texts(names);
    this.#measure(texts);
    const found = texts.map((text, i) =>
      typeof text === "string" ? this.toEntry(type, ids[i] ?? "", text, offsetMs) : text,
    );
    if (!found.some(hasHiddenDeadline)) return found;
    return Promise.all(
      found.map((entry, i) =>
        hasHiddenDeadline(entry) ? this.#withDeadline(names[i] ?? "", entry) : entry,
      ),
    );
  }

  /**
   * The same for reads of which some know a version. Of long values Redis sends only the beginning
   * of those, in which their version and deadline are, and the whole of what has changed on a
   * second trip.
   */
  async readKnown(type: string, reads: readonly Read[]): Promise<readonly ReadResult[]> {
    if (this.#meanLength < LONG_TEXT) {
      return this.read(
        type,
        reads.map(({ id }) => id),
      );
    }
    const whole = async (some: readonly Read[]) => {
      const found = await this.read(
        type,
        some.map(({ id }) => id),
      );
      return some.map((read, i) => [read, found[i] ?? null] as const);
    };
    const knowing = reads.filter(({ known }) => known !== undefined);
    const [beginnings, others] = await Promise.all([
      Promise.all(knowing.map((read) => this.#unchanged(type, read).catch(withoutCommand))),
      whole(reads.filter(({ known }) => known === undefined)),
    ]);
    const results = new Map<Read, ReadResult>(others);
    for (const [i, read] of knowing.entries()) {
      const found = beginnings[i];
      if (found !== undefined) results.set(read, found);
    }
    const changed = await whole(knowing.filter((read) => !results.has(read)));
    for (const [read, found] of changed) results.set(read, found);
    return reads.map((read) => results.get(read) ?? null);
  }

  async #texts(names: readonly string[]): Promise<readonly (string | null | Error)[]> {
    const { connection, isCluster } = this.#parts;
    if (isCluster) return Promise.all(names.map((key) => this.#text(key).catch(withoutCommand)));
    const reply = await connection.send("", ["MGET", ...names]);
    const texts: readonly unknown[] = Array.isArray(reply) ? reply : [];
    return names.map((_, i) => textIn(texts[i]));
  }

  #measure(texts: readonly (string | null | Error)[]): void {
    for (const text of texts) {
      if (typeof text === "string") this.#meanLength += (text.length - this.#meanLength) / 32;
    }
  }

  /** The entry without its value, `null` where nothing is, `undefined` where it is another one. */
  async #unchanged(type: string, { id, known }: Read): Promise<UnchangedEntry | null | undefined> {
    const { connection, keys, clock } = this.#parts;
    const key = keys.entry(type, id);
    const beginning = await connection
      .send(key, ["GETRANGE", key, "0", LAST_OF_HEADER])
      .catch((error: unknown) => {
        // Somebody else keeps something here, of which reading the whole makes what it is.
        if (isReply(error, "WRONGTYPE")) return undefined;
        throw error;
      });
    if (beginning === "") return null;
    if (typeof beginning !== "string") return undefined;
    const entry = fromText(id, beginning, await clock.offset());
    if (entry === CORRUPT || entry.version !== known || isForeign(entry)) return undefined;
    const { json, ...unchanged } = entry;
    return unchanged;
  }

  async #text(key: string): Promise<string | null> {
    try {
      return textIn(await this.#parts.connection.send(key, ["GET", key]));
    } catch (error) {
      // Somebody else keeps something here that is not a text. MGET passes over it by itself.
      if (isReply(error, "WRONGTYPE")) return null;
      throw error;
    }
  }

  /** The entry that a text holds, or `null`, with a report, where it makes no sense. */
  toEntry(type: string, id: string, text: string, offsetMs: number): StoredEntry | null {
    const entry = fromText(id, text, offsetMs);
    if (entry !== CORRUPT) return entry;
    this.#parts.onCorrupt({ type, cause: new Error("What is stored is not JSON") });
    return null;
  }

  async #withDeadline(key: string, entry: StoredEntry): Promise<StoredEntry | null | Error> {
    try {
      const left = Number(await this.#parts.connection.send(key, ["PTTL", key]));
      return left === -2 ? null : withTimeLeft(entry, left);
    } catch (error) {
      return withoutCommand(error);
    }
  }
}

function textIn(reply: unknown): string | null {
  return typeof reply === "string" ? reply : null;
}

function hasHiddenDeadline(found: StoredEntry | null | Error): found is StoredEntry {
  return found !== null && !(found instanceof Error) && isForeign(found);
}
