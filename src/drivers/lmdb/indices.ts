import { valueAt } from "../../databank/criteria.js";
import type { Criterion } from "../../databank/driver.js";
import { parseJson, toJson, type Value } from "../../databank/json.js";
import type { TextDatabase } from "./client.js";
import { keyPart, prefixOf } from "./keys.js";

/** The paths that are indexed of a type, and whether entries from before are in the index, too. */
type Paths = Readonly<Record<string, boolean>>;

const NONE: Paths = {};

/**
 * The entries by the values at dotted paths.
 *
 * What is indexed is noted in the database, and every writer goes by that, so that a program which
 * declares no index keeps those of another. Keys are type, path, value and id; nothing is stored
 * under them. All methods need a transaction, except those that only look.
 */
export class Indices {
  readonly #database: TextDatabase;
  // The note of each type as it was last read, and what it says.
  readonly #notes = new Map<string, { readonly text: string; readonly paths: Paths }>();

  constructor(database: TextDatabase) {
    this.#database = database;
  }

  /** Notes paths that are to be indexed, and returns those whose index is not complete. */
  declare(type: string, paths: readonly string[]): readonly string[] {
    const noted = this.#paths(type);
    const missing = paths.filter((path) => !Object.hasOwn(noted, path));
    if (missing.length > 0) {
      this.#note(type, { ...noted, ...Object.fromEntries(missing.map((path) => [path, false])) });
    }
    return paths.filter((path) => noted[path] !== true);
  }

  /** Notes that an index has what was there before it was declared. */
  complete(type: string, paths: readonly string[]): void {
    const noted = this.#paths(type);
    this.#note(type, { ...noted, ...Object.fromEntries(paths.map((path) => [path, true])) });
  }

  /** Brings the indices of a type up to date with the change of one entry's value. */
  change(type: string, idPart: string, before: string | undefined, after: string | undefined) {
    const paths = Object.keys(this.#paths(type));
    if (paths.length === 0 || before === after) return;
    const old = new Set(keysOf(type, paths, idPart, before));
    for (const key of keysOf(type, paths, idPart, after)) {
      if (!old.delete(key)) this.#database.put(key, "");
    }
    for (const key of old) this.#database.remove(key);
  }

  /** Whether the entries of a type are in an index. */
  has(type: string): boolean {
    return this.#paths(type) !== NONE;
  }

  /** Puts an entry into new indices. */
  add(type: string, paths: readonly string[], idPart: string, json: string | undefined): void {
    for (const key of keysOf(type, paths, idPart, json)) this.#database.put(key, "");
  }

  /** What the keys of those entries begin with that may satisfy a criterion. */
  prefix(type: string, { path, json }: Criterion): string {
    return prefixFor(type, path, parseJson(json));
  }

  #paths(type: string): Paths {
    const text = this.#database.get(noteKey(type));
    if (text === undefined) return NONE;
    const known = this.#notes.get(type);
    if (known?.text === text) return known.paths;
    const paths = Object(parsed(text)) as Paths;
    this.#notes.set(type, { text, paths });
    return paths;
  }

  #note(type: string, paths: Paths): void {
    this.#database.put(noteKey(type), JSON.stringify(paths));
  }
}

// No type begins with NUL in a key.
function noteKey(type: string): string {
  return `\0${keyPart("type", type)}`;
}

function keysOf(
  type: string,
  paths: readonly string[],
  idPart: string,
  json: string | undefined,
): readonly string[] {
  const value = json === undefined ? undefined : parsed(json);
  return paths.flatMap((path) => {
    const found = valueAt(value, path);
    return found === undefined ? [] : [prefixFor(type, path, found as Value) + idPart];
  });
}

function prefixFor(type: string, path: string, value: Value): string {
  // The order of keys does not matter to the databank, which looks at each entry again.
  const json = toJson(value);
  const text = /^[[{]/.test(json) ? json.charAt(0) : json;
  return prefixOf(keyPart("type", type), keyPart("path", path), keyPart("value", text));
}

/** What somebody has damaged is in no index, and must not fail those who write over it. */
function parsed(json: string): unknown {
  try {
    return parseJson(json);
  } catch {
    return undefined;
  }
}
