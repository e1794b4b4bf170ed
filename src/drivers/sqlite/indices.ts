import { createHash } from "node:crypto";
import type { Criterion, Schema } from "../../databank/driver.js";
import { identifier, quoted, toText } from "./text.js";

// Long values share index entries; the databank looks at each entry again.
const MAX_INDEXED_LENGTH = 200;
const MAX_NUMBERS = 3;

// In these, and in the JSON that the databank writes, a name stands as it is, without escapes.
const PLAIN_NAME = /^[^"\\\p{Cc}\p{Surrogate}]+$/u;
const NUMBER = /^(?:0|[1-9]\d*)$/;

/** A statement that makes a table or an index, and the name of what it makes. */
export interface Definition {
  readonly name: string;
  readonly sql: string;
}

/** The indexes that a schema asks for. */
export function indicesOf(schema: Schema, table: string): readonly Definition[] {
  return Object.entries(schema).flatMap(([type, { indices = [] }]) =>
    [...new Set(indices)].flatMap((path) => {
      const key = indexKey(path);
      if (key === undefined) return [];
      const name = indexName(table, type, path, key);
      const sql = `CREATE INDEX IF NOT EXISTS ${identifier(name)} ON ${identifier(table)} (${key}, id) WHERE type = ${quoted(toText(type))}`;
      return [{ name, sql }];
    }),
  );
}

function indexName(table: string, type: string, path: string, key: string): string {
  const readable = `${table}_${type}_${path}`.replace(/\W+/g, "_").slice(0, 60);
  const hash = createHash("sha256")
    .update(JSON.stringify([type, key]))
    .digest("hex");
  return `${readable}_${hash.slice(0, 8)}`;
}

/**
 * What an index holds of each entry: the JSON text of the value at a path, which tells 1 from
 * "1", or its first character if it is an object or an array, because the order of keys does not
 * matter to the databank. `undefined` where SQLite could not find the value as the databank does.
 */
function indexKey(path: string): string | undefined {
  const paths = sqlPaths(path);
  if (paths === undefined) return undefined;
  const found = paths.map((each) => `value -> ${quoted(each)}`);
  const first = found.length > 1 ? `coalesce(${found.join(", ")})` : `${found[0]}`;
  const key = `substr(${first}, 1, iif(${first} GLOB '[[{]*', 1, ${MAX_INDEXED_LENGTH}))`;
  // A value that someone has damaged must not fail the statement.
  return `CASE WHEN json_valid(value) THEN ${key} END`;
}

/** The conditions of a search in SQL, and the values that they compare with. */
export interface Conditions {
  readonly sql: string;
  readonly values: readonly string[];
}

/** The conditions that an index can answer; the databank decides about the others. */
export function conditionsOf(criteria: readonly Criterion[]): Conditions {
  const conditions: string[] = [];
  const values: string[] = [];
  for (const { path, json } of criteria) {
    const key = indexKey(path);
    if (key === undefined) continue;
    conditions.push(` AND ${key} = ?`);
    const length = /^[[{]/.test(json) ? 1 : MAX_INDEXED_LENGTH;
    values.push(Array.from(json).slice(0, length).join(""));
  }
  return { sql: conditions.join(""), values };
}

/**
 * The places that a dotted path may lead to, the one that wins first: a property with the whole
 * path as its name, or one with the part before the first full stop and so on inwards.
 */
function sqlPaths(path: string): readonly string[] | undefined {
  const names = path.split(".");
  if (!names.every((name) => PLAIN_NAME.test(name))) return undefined;
  if (names.filter((name) => NUMBER.test(name)).length > MAX_NUMBERS) return undefined;
  let prefixes = ["$"];
  const paths: string[] = [];
  for (const [i, name] of names.entries()) {
    const rest = names.slice(i).join(".");
    paths.push(...prefixes.flatMap((prefix) => steps(prefix, rest)));
    prefixes = prefixes.flatMap((prefix) => steps(prefix, name));
  }
  return [...new Set(paths)];
}

// A whole number is the name of a property, or leads into an array.
function steps(prefix: string, name: string): readonly string[] {
  const property = `${prefix}."${name}"`;
  return NUMBER.test(name) ? [property, `${prefix}[${name}]`] : [property];
}
