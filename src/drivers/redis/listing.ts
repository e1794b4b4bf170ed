import type { EntryPage, Page, StoredEntry } from "../../databank/driver.js";
import type { Connection } from "./connection.js";
import type { Entries } from "./entries.js";
import type { Keys } from "./keys.js";

/** How far a walk has come. Opaque to others, as JSON. */
interface Position {
  /** The server that is being walked, if it has been begun. */
  readonly address: string | null;
  /** Where, as that server puts it. */
  readonly at: string;
  /** The servers that are done. */
  readonly done: readonly string[];
  /** Ids that were found and are still to be shown. */
  readonly ids: readonly string[];
}

const START: Position = { address: null, at: "0", done: [], ids: [] };

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
    const found = cursor === null ? START : (JSON.parse(cursor) as Position);
    const next = found.ids.length > 0 ? found : await this.#step(type, found);
    const entries = await this.entries(type, next?.ids.slice(0, limit) ?? []);
    const rest = next && { ...next, ids: next.ids.slice(limit) };
    const isOver = !rest || (rest.ids.length === 0 && this.#isOver(rest));
    return { entries, cursor: isOver ? null : JSON.stringify(rest) };
  }

  /** Those of the ids that there are. */
  async entries(type: string, ids: readonly string[]): Promise<readonly StoredEntry[]> {
    return (await this.#entries.read(type, ids)).filter(isEntry);
  }

  /** All ids of a type; an id may come twice while a server makes its table of keys smaller. */
  async *ids(type: string): AsyncGenerator<readonly string[], void> {
    let position: Position | undefined = START;
    do {
      position = await this.#step(type, position);
      if (position) yield position.ids;
    } while (position && !this.#isOver(position));
  }

  /**
   * Goes on with a server, or to the next one. A place within a server means nothing on another,
   * nor on one that was started again: a server that takes the place of another is walked from its
   * beginning.
   */
  async #step(type: string, { address, at, done }: Position): Promise<Position | undefined> {
    const servers = this.#connection.servers();
    const same = servers.find((each) => each.address === address);
    const server = same ?? servers.find((each) => !done.includes(each.address));
    if (!server) return undefined;
    const args = ["SCAN", same ? at : "0", "MATCH", this.#keys.patternOf(type)];
    const reply = await server.send([...args, "COUNT", String(COUNT), "TYPE", "string"]);
    const [next, keys] = Array.isArray(reply) ? reply : ["0"];
    const found = Array.isArray(keys) ? keys.map(String) : [];
    const ids = [...new Set(found.map((key) => this.#keys.idIn(type, key)))];
    if (String(next) !== "0") return { address: server.address, at: String(next), done, ids };
    return { address: null, at: "0", done: [...done, server.address], ids };
  }

  #isOver({ address, done }: Position): boolean {
    const servers = this.#connection.servers();
    return address === null && servers.every((each) => done.includes(each.address));
  }
}

/** @throws the error, where there is one. */
function isEntry(result: StoredEntry | null | Error): result is StoredEntry {
  if (result instanceof Error) throw result;
  return result !== null;
}
