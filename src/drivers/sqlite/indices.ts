import { createHash } from "node:crypto";
import type { Criterion, Schema } from "../../databank/driver.js";
import { toText } from "../escaped-text.js";
import { jsonPaths } from "../json-paths.js";
import { identifier, quoted } from "./text.js";

// Long values share index entries; the databank looks at each entry again.
const MAX_INDEXED_LENGTH = 200;

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
    .update(JSON.stringify([table, type, key]))
    .digest("hex");
  return `${readable}_${hash.slice(0, 8)}`;
}

/**
 * What an index holds of each entry: the JSON text of the value at a path, which tells 1 from
 * "1", or its first character if it is an object or an array, because the order of keys does not
 * matter to the databank. `undefined` where SQLite could not find the value as the databank does.
 */
function indexKey(path: string): string | undefined {
  const paths = jsonPaths(path);
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
