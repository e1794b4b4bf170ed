import type {
  CorruptReport,
  Deletion,
  Read,
  ReadResult,
  StoredEntry,
  UnchangedEntry,
  Write,
  WriteResult,
} from "../../databank/driver.js";
import { foreignVersion } from "../../databank/version.js";
import { type Connection, isReply, withoutCommand } from "./connection.js";
import { CORRUPT, fromText, isForeign, marksOf, NEVER, toExpiry, toText } from "./entry-text.js";
import { GatheredScripts } from "./gathered-scripts.js";
import type { Keys } from "./keys.js";
import { DELETE, TOUCH, WRITE } from "./scripts.js";
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

/** Until when indices have an entry, in digits, and how long their periods are. */
export interface Indexed {
  readonly until: string;
  readonly periodMs: number;
}

/** A deadline that would stay, in digits. */
export interface LaterDeadline {
  readonly later: string;
}

/** The entries whose ids are known: each is one key, and each change one command on that key. */
export class Entries {
  readonly #parts: EntriesParts;
  readonly #scripts: GatheredScripts;
  /** Of what was read lately. */
  #meanLength = 0;

  constructor(parts: EntriesParts) {
    this.#parts = parts;
    this.#scripts = new GatheredScripts(parts.connection, parts.isCluster);
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
      typeof text === "string" ? this.#entry(type, ids[i] ?? "", text, offsetMs) : text,
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

  /**
   * Stores one entry where its condition holds; `digits` is its deadline. Where the entry is in
   * indices, `indexed` says until when. Resolves to the digits of a later deadline, with nothing
   * stored, if that would stay and is beyond what indices have.
   */
  async store(
    type: string,
    write: Write,
    digits: string,
    indexed?: Indexed,
  ): Promise<WriteResult | LaterDeadline> {
    const { connection, keys, clock } = this.#parts;
    const key = keys.entry(type, write.id);
    const text = toText(write, digits);
    const isNew = write.if === "absent";
    if (isNew || (write.if === undefined && !write.extend)) {
      const args = ["SET", key, text];
      if (digits !== NEVER) args.push("PXAT", toExpiry(digits));
      if (isNew) args.push("NX");
      if ((await connection.send(key, args)) !== null) return "done";
    }
    const reply = await this.#scripts.run(WRITE, key, [
      text,
      digits,
      ...conditionArguments(write.if),
      write.extend ? "1" : "",
      ...(indexed ? [indexed.until, String(indexed.periodMs)] : ["", ""]),
    ]);
    if (typeof reply === "string") return { later: reply };
    if (!Array.isArray(reply)) return "done";
    const [there, left] = reply;
    if (typeof there !== "string") return { conflict: null };
    const entry = this.#entry(type, write.id, there, await clock.offset());
    // What makes no sense counts as missing, and so it is replaced.
    if (!entry) return this.store(type, { ...write, if: foreignVersion(there) }, digits, indexed);
    return { conflict: isForeign(entry) ? withTimeLeft(entry, Number(left)) : entry };
  }

  /**
   * Moves one deadline forward, to `digits`, and resolves to whether the entry was live. Where the
   * entry is in indices with periods of `periodMs`, `indexed` is the version that they have until
   * then: resolves to the entry, with nothing moved, if the deadline would come into another period
   * and it has another version.
   */
  async touch(
    type: string,
    id: string,
    digits: string,
    periodMs?: number,
    indexed?: string,
  ): Promise<boolean | StoredEntry> {
    const { keys, clock } = this.#parts;
    const reply = await this.#scripts.run(TOUCH, keys.entry(type, id), [
      digits,
      periodMs === undefined ? "" : String(periodMs),
      ...(indexed === undefined ? ["", ""] : marksOf(indexed)),
    ]);
    if (typeof reply !== "string") return reply !== 0;
    return this.#entry(type, id, reply, await clock.offset()) ?? false;
  }

  async del(type: string, { id, if: version }: Deletion): Promise<boolean> {
    const { connection, keys } = this.#parts;
    const key = keys.entry(type, id);
    const reply =
      version === undefined
        ? await connection.send(key, ["UNLINK", key])
        : await this.#scripts.run(DELETE, key, marksOf(version));
    return Number(reply) === 1;
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

  #entry(type: string, id: string, text: string, offsetMs: number): StoredEntry | null {
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

/** Redis says -1 for what never ends, and rounds the rest. */
function withTimeLeft(entry: StoredEntry, leftMs: number): StoredEntry {
  return leftMs < 0 ? entry : { ...entry, expiresAt: Date.now() + leftMs + 1 };
}

function conditionArguments(condition: string | undefined): [string, string, string] {
  if (condition === undefined) return ["any", "", ""];
  if (condition === "absent" || condition === "present") return [condition, "", ""];
  return ["version", ...marksOf(condition)];
}
