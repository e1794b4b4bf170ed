import type { EntryPage, Page, StoredEntry } from "../../databank/driver.js";
import { type Connection, offline } from "./connection.js";
import type { Entries } from "./entries.js";
import type { Keys } from "./keys.js";
import { runOn, script } from "./scripts.js";

/** How far a walk has come. Opaque to others, as JSON. */
interface Position {
  /** The server that is being walked, if it has been begun. */
  readonly address: string | null;
  /** The process that was found there; another one may have taken its place by now. */
  readonly process: string;
  /** Where, as that process puts it. */
  readonly at: string;
  /** The servers that are done. */
  readonly done: readonly string[];
  /** Ids that were found and are still to be shown. */
  readonly ids: readonly string[];
}

const NOWHERE = { address: null, process: "", at: "0" };
const START: Position = { ...NOWHERE, done: [], ids: [] };

/**
 * A step of a walk through a server's keys. Arguments: the process that the walk has begun on, the
 * place there, and how to scan. Returns the process, the next place, and keys. A place means nothing
 * to another process, which has its keys in another order: there the walk begins anew.
 */
const SCAN = script(`
local info = redis.pcall('INFO', 'server')
local process = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or 'any'
local place = process == ARGV[1] and ARGV[2] or '0'
local reply = redis.call('SCAN', place, unpack(ARGV, 3))
return { process, reply[1], reply[2] }
`);

// SCAN looks at so many keys at a time, whoever they belong to.
const COUNT = 1000;

/** Finds the entries of a type by walking the keys of every server with SCAN. */
export class Listing {
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #entries: Entries;

  constructor(connection: Connection, keys: Keys, entries: Entries) {
    this.#connection = connection;
    this.#keys = keys;
    this.#entries = entries;
  }

  async scan(type: string, { limit, cursor }: Page): Promise<EntryPage> {
    const found = positionAt(cursor);
    const next = found.ids.length > 0 ? found : await this.#step(type, found);
    const ids = next?.ids ?? [];
    const entries = await this.entries(type, ids.slice(0, limit));
    return { entries, cursor: this.#cursorAt(next, ids.slice(limit)) };
  }

  /** Those of the ids that there are. */
  async entries(type: string, ids: readonly string[]): Promise<readonly StoredEntry[]> {
    return (await this.#entries.read(type, ids)).filter(isEntry);
  }

  /**
   * Some ids of a type, among the next thousand keys of a server. One may come again later, when a
   * server makes its table of keys smaller, or ends.
   */
  async ids(
    type: string,
    cursor: string | null,
  ): Promise<{ readonly ids: readonly string[]; readonly cursor: string | null }> {
    const next = await this.#step(type, positionAt(cursor));
    return { ids: next?.ids ?? [], cursor: this.#cursorAt(next, []) };
  }

  /**
   * Goes on with a server, or to the next one. A place within a server means nothing on another,
   * nor on one that was started again: a server that takes the place of another is walked from its
   * beginning.
   */
  async #step(type: string, position: Position): Promise<Position | undefined> {
    const { address, done } = position;
    const servers = this.#connection.servers();
    if (servers.length === 0) throw offline();
    const same = servers.find((each) => each.address === address);
    const server = same ?? servers.find((each) => !done.includes(each.address));
    if (!server) return undefined;
    const { process, at } = same ? position : NOWHERE;
    const how = ["MATCH", this.#keys.patternOf(type), "COUNT", String(COUNT), "TYPE", "string"];
    const reply = await runOn(server, SCAN, [process, at, ...how]);
    const [found, next, keys] = Array.isArray(reply) ? reply.slice(0, 3) : [];
    const names: readonly unknown[] = Array.isArray(keys) ? keys : [];
    const ids = [...new Set(names.map((key) => this.#keys.idIn(type, String(key))))];
    if (String(next ?? "0") === "0") return { ...NOWHERE, done: [...done, server.address], ids };
    return { address: server.address, process: String(found), at: String(next), done, ids };
  }

  /** Where to go on: with ids that are still to be shown, or else with more keys. */
  #cursorAt(position: Position | undefined, ids: readonly string[]): string | null {
    if (!position || (ids.length === 0 && this.#isOver(position))) return null;
    return JSON.stringify({ ...position, ids });
  }

  #isOver({ address, done }: Position): boolean {
    const servers = this.#connection.servers();
    // A client that was closed knows none, and the next step tells.
    if (servers.length === 0) return false;
    return address === null && servers.every((each) => done.includes(each.address));
  }
}

function positionAt(cursor: string | null): Position {
  return cursor === null ? START : (JSON.parse(cursor) as Position);
}

/** @throws the error, where there is one. */
function isEntry(result: StoredEntry | null | Error): result is StoredEntry {
  if (result instanceof Error) throw result;
  return result !== null;
}
