import { valueAt } from "../../databank/criteria.js";
import type { Criterion, EntryPage, Page, Schema } from "../../databank/driver.js";
import { parseJson } from "../../databank/json.js";
import type { Connection } from "./connection.js";
import { hashOf, NEVER, toDigits } from "./entry-text.js";
import { ADD, COMPLETE, PERIOD_MS, REMOVE, WALK } from "./index-scripts.js";
import { decodeText, encodeText, type Keys } from "./keys.js";
import type { Listing } from "./listing.js";
import { run } from "./scripts.js";
import type { ServerClock } from "./server-clock.js";

/** What never ends does so after the last day of any index. */
const NEVER_PERIOD = Number.MAX_SAFE_INTEGER;

const SCANNING = "scan ";

/** What the index is made of, and how it comes by entries. */
export interface SearchIndexParts {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly schema: Schema;
  readonly clock: ServerClock;
  readonly listing: Listing;
}

/**
 * Which entries have which value at an indexed path: a sorted set of ids for each value.
 *
 * It is a hint, because it lies under another key than the entry, and in a cluster on another
 * server. An id is put there before its entry is written, so that none is missing; what is too much
 * is recognised by a look at the entry, and taken out.
 */
export class SearchIndex {
  readonly #parts: SearchIndexParts;

  constructor(parts: SearchIndexParts) {
    this.#parts = parts;
  }

  has(type: string): boolean {
    return this.#pathsOf(type).length > 0;
  }

  /** Adds an entry that ends at a deadline, in digits, to the index of each of its values. */
  async add(type: string, id: string, json: string, digits: string): Promise<void> {
    const { connection, keys } = this.#parts;
    const value = parsed(json);
    const period = digits === NEVER ? NEVER_PERIOD : Math.floor(Number(digits) / PERIOD_MS);
    const args = [encodeText(id), String(period)];
    await Promise.all(
      this.#pathsOf(type).map(async (path) => {
        const name = nameAt(value, path);
        if (name !== undefined) await run(connection, ADD, keys.index(type, path, name), args);
      }),
    );
  }

  async search(type: string, criteria: readonly Criterion[], page: Page): Promise<EntryPage> {
    const isScanning = page.cursor?.startsWith(SCANNING);
    if (isScanning || (page.cursor === null && !(await this.#isComplete(type)))) {
      return this.#build(type, page);
    }
    const [criterion] = criteria;
    if (!criterion) return this.#parts.listing.scan(type, page);
    return this.#search(type, criterion, page);
  }

  async #search(type: string, { path, json }: Criterion, page: Page): Promise<EntryPage> {
    const { connection, keys, listing } = this.#parts;
    const name = hashOf(canonical(parseJson(json)));
    const key = keys.index(type, path, name);
    const { members, cursor } = await this.#members(key, page);
    const scores = new Map(members);
    const entries = await listing.entries(type, [...scores.keys()]);
    for (const entry of entries) {
      if (nameAt(parsed(entry.json), path) === name) scores.delete(entry.id);
    }
    await Promise.all(
      [...scores].map(([id, score]) => run(connection, REMOVE, key, [encodeText(id), score])),
    );
    return { entries, cursor };
  }

  /**
   * A page of ids with their scores. Redis gives small indices whole, whatever is asked for, so the
   * rest of such a step goes along in the cursor.
   */
  async #members(key: string, { limit, cursor }: Page) {
    const from: readonly string[] = cursor === null ? [] : JSON.parse(cursor);
    let [server = "", next = "0", ...members] = from;
    if (members.length === 0) {
      const reply = await run(this.#parts.connection, WALK, key, [server, next, String(limit)]);
      const [address, position, found] = Array.isArray(reply) ? reply : [];
      server = String(address ?? "");
      next = String(position ?? "0");
      members = Array.isArray(found) ? found.map(String) : [];
    }
    const rest = members.slice(2 * limit);
    const isLast = next === "0" && rest.length === 0;
    return {
      members: pairs(members.slice(0, 2 * limit)),
      cursor: isLast ? null : JSON.stringify([server, next, ...rest]),
    };
  }

  /** Walks all entries instead, and indexes them by the way, for the searches to come. */
  async #build(type: string, page: Page): Promise<EntryPage> {
    const { connection, keys, clock, listing } = this.#parts;
    const position = page.cursor?.slice(SCANNING.length) ?? null;
    const { entries, cursor } = await listing.scan(type, { ...page, cursor: position });
    const offsetMs = await clock.offset();
    await Promise.all(
      entries.map(({ id, json, expiresAt }) =>
        this.add(type, id, json, toDigits(expiresAt, offsetMs)),
      ),
    );
    if (cursor !== null) return { entries, cursor: SCANNING + cursor };
    await run(connection, COMPLETE, keys.indexed(type), this.#pathsOf(type).map(encodeText));
    return { entries, cursor: null };
  }

  /** Whether the index knows also what was there before its paths were declared. */
  async #isComplete(type: string): Promise<boolean> {
    const { connection, keys } = this.#parts;
    const key = keys.indexed(type);
    const paths = this.#pathsOf(type).map(encodeText);
    const reply = await connection.send(key, ["SMISMEMBER", key, ...paths]);
    return Array.isArray(reply) && reply.every((each) => Number(each) === 1);
  }

  #pathsOf(type: string): readonly string[] {
    const { schema } = this.#parts;
    return (Object.hasOwn(schema, type) ? schema[type]?.indices : undefined) ?? [];
  }
}

/** Nothing where the text is not JSON: no search can match it. */
function parsed(json: string): unknown {
  try {
    return parseJson(json);
  } catch {
    return undefined;
  }
}

/** The name of an index: equal values have equal names, and a number differs from its text. */
function nameAt(value: unknown, path: string): string | undefined {
  const found = valueAt(value, path);
  return found === undefined ? undefined : hashOf(canonical(found));
}

/** JSON text in which the order of keys does not matter. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`,
  );
  return `{${members.sort().join(",")}}`;
}

/** The ids and scores of a reply that names both in turns. */
function pairs(flat: readonly string[]): (readonly [id: string, score: string])[] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [
    decodeText(flat[2 * i] ?? ""),
    flat[2 * i + 1] ?? "",
  ]);
}
