import { createHash } from "node:crypto";
import type { Criterion, Schema } from "../../databank/driver.js";
import { tableName } from "./options.js";
import { identifier, literal, toKey } from "./text.js";

/** An index that a schema asks for. */
export interface SearchIndex {
  readonly name: string;
  readonly sql: string;
}

// Postgres cannot read a JSON value with an escaped NUL or lone surrogate, not even past it: in an
// index that would refuse the write. Such values get this mark, which is no JSON, and every search
// looks at them too.
const UNREADABLE = literal("?");
const UNREADABLE_ESCAPE = /\\u(0000|[dD][89a-fA-F])/;

// Long values share index entries, because a row of an index holds 2704 bytes; the databank looks
// at each entry again.
const MAX_CHARACTERS = 200;
const MAX_NAME_LENGTH = 63;

/** The indexes that `schema` declares, except on paths that no text of Postgres can hold. */
export function searchIndexes(table: string, schema: Schema): readonly SearchIndex[] {
  return Object.entries(schema).flatMap(([type, { indices = [] }]) =>
    [...new Set(indices)].filter(isText).map((path) => {
      const key = indexed(path);
      const name = indexName(table, type, path, key);
      const sql = `CREATE INDEX IF NOT EXISTS ${identifier(name)}
  ON ${tableName(table)} ((${key}), id) WHERE type = ${literal(toKey(type))}`;
      return { name, sql };
    }),
  );
}

/** The name of an index in the schema of `table`, legible and of its own. */
function indexName(table: string, type: string, path: string, key: string): string {
  const own = table.split(".").at(-1) ?? table;
  return legibleName(`${own}_${type}_${path}`, [own, type, key]);
}

/** The name of the index of deadlines. */
export function cleanupName(table: string): string {
  const own = table.split(".").at(-1) ?? table;
  const name = `${own}_cleanup`;
  return Buffer.byteLength(name) <= MAX_NAME_LENGTH ? name : legibleName(name, [own]);
}

function legibleName(text: string, of: readonly string[]): string {
  const legible = text.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_");
  const hash = createHash("sha256").update(JSON.stringify(of)).digest("hex");
  return `${legible.slice(0, MAX_NAME_LENGTH - 9)}_${hash.slice(0, 8)}`;
}

/** The part of a search that indexes answer. */
export interface SearchConditions {
  /** A row has to meet one of these; for each the index gives rows in order of id. */
  readonly either: readonly string[];
  /** It has to meet all of these besides. */
  readonly besides: readonly string[];
  readonly values: readonly string[];
}

/** What a row must meet to be looked at. The values are parameters from `$first`. */
export function searchConditions(criteria: readonly Criterion[], first: number): SearchConditions {
  const usable = criteria.filter(({ path }) => isText(path));
  const [leading, ...besides] = usable.map(({ path }, i) => ({
    found: indexed(path),
    wanted: normalized(`$${first + i}::text::jsonb`),
  }));
  return {
    either: leading
      ? [leading.wanted, UNREADABLE].map((wanted) => `${leading.found} = ${wanted}`)
      : ["true"],
    besides: besides.map(({ found, wanted }) => `${found} IN (${wanted}, ${UNREADABLE})`),
    // What is unreadable itself can only be in values with the mark, so that any text will do.
    values: usable.map(({ json }) => (UNREADABLE_ESCAPE.test(json) ? "null" : json)),
  };
}

/** The JSON text at a path as an index keeps it; NULL where nothing is. */
function indexed(path: string): string {
  const found = ways(path).map((way) => `value::text::jsonb #> ARRAY[${way.map(literal)}]`);
  const isUnreadable = `value::text ~ ${literal(UNREADABLE_ESCAPE.source)}`;
  const text = normalized(`COALESCE(${found.join(", ")})`);
  return `CASE WHEN ${isUnreadable} THEN ${UNREADABLE} ELSE ${text} END`;
}

// By way of jsonb, which gives equal values equal texts.
function normalized(jsonb: string): string {
  return `left((${jsonb})::text, ${MAX_CHARACTERS})`;
}

/**
 * Where a dotted path may lead, the first first: a property may have the whole path as its name,
 * or the path may go inwards at its first full stop.
 */
function ways(path: string): string[][] {
  const stop = path.indexOf(".");
  if (stop === -1) return [[path]];
  const inwards = ways(path.slice(stop + 1)).map((way) => [path.slice(0, stop), ...way]);
  return [[path], ...inwards];
}

function isText(path: string): boolean {
  return !path.includes("\0") && path.isWellFormed();
}
