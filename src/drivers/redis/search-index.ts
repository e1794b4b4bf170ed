import { valueAt } from "../../databank/criteria.js";
import type { Criterion, EntryPage, Page, Schema } from "../../databank/driver.js";
import { parseJson } from "../../databank/json.js";
import type { Connection } from "./connection.js";
import { hashOf, NEVER, toDigits } from "./entry-text.js";
import { decodeText, encodeText, type Keys } from "./keys.js";
import type { Listing } from "./listing.js";
import { run, script } from "./scripts.js";
import type { ServerClock } from "./server-clock.js";

/** An index keeps an id to the end of the day in which its entry ends, by the database's clock. */
export const PERIOD_MS = 86_400_000;
/** What never ends does so in this period; times it still fit into a sorted set's scores. */
const NEVER_PERIOD = 100_000_000;
/** How long after its place in the index an entry itself may still be on its way. */
const GRACE_MS = 60_000;

// A score is the period times its length, plus the time of day when the id was added.

/**
 * Adds an id. Arguments: id, period. Drops those whose entries have ended, and the index itself
 * when the last one has.
 */
const ADD = script(`
local key, id, period, length = KEYS[1], ARGV[1], tonumber(ARGV[2]), ${PERIOD_MS}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local score = redis.call('ZSCORE', key, id)
if score then period = math.max(period, math.floor(score / length)) end
redis.call('ZADD', key, string.format('%.0f', period * length + now % length), id)
redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('(%.0f', now - now % length))
local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2]
if not last then return end
local ends = math.floor(last / length) + 1
if ends > ${NEVER_PERIOD} then
  redis.call('PERSIST', key)
else
  redis.call('PEXPIREAT', key, string.format('%.0f', ends * length))
end
`);

/** Takes an id out, unless it was added again since, or lately. Arguments: id, score. */
const REMOVE = script(`
local score, length = redis.call('ZSCORE', KEYS[1], ARGV[1]), ${PERIOD_MS}
if not score or tonumber(score) ~= tonumber(ARGV[2]) then return end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if (now - score) % length < ${GRACE_MS} then return end
redis.call('ZREM', KEYS[1], ARGV[1])
`);

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
  readonly #complete = new Set<string>();

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
    const args = [encodeText(id), String(Math.min(period, NEVER_PERIOD))];
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
    let [next = "0", ...members]: readonly string[] = cursor === null ? [] : JSON.parse(cursor);
    if (members.length === 0) {
      const args = ["ZSCAN", key, next, "COUNT", String(limit)];
      const reply = await this.#parts.connection.send(key, args);
      const [position, found] = Array.isArray(reply) ? reply : [];
      next = String(position ?? "0");
      members = Array.isArray(found) ? found.map(String) : [];
    }
    const rest = members.slice(2 * limit);
    const isLast = next === "0" && rest.length === 0;
    return {
      members: pairs(members.slice(0, 2 * limit)),
      cursor: isLast ? null : JSON.stringify([next, ...rest]),
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
    const key = keys.indexed(type);
    await connection.send(key, ["SADD", key, ...this.#pathsOf(type).map(encodeText)]);
    return { entries, cursor: null };
  }

  /** Whether the index knows also what was there before its paths were declared. */
  async #isComplete(type: string): Promise<boolean> {
    if (this.#complete.has(type)) return true;
    const { connection, keys } = this.#parts;
    const key = keys.indexed(type);
    const paths = this.#pathsOf(type).map(encodeText);
    const reply = await connection.send(key, ["SMISMEMBER", key, ...paths]);
    const isComplete = Array.isArray(reply) && reply.every((each) => Number(each) === 1);
    if (isComplete) this.#complete.add(type);
    return isComplete;
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
