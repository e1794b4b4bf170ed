import { createHash } from "node:crypto";
import type { Criterion, EntryPage, Page, Schema } from "../../databank/driver.js";
import { jsonPaths } from "../json-paths.js";
import { scan, toPage } from "./reading.js";
import type { Table } from "./table.js";
import { BEFORE_ALL, identifier, quoted, typeKey } from "./text.js";
import { OPAQUE } from "./value-text.js";

// What the index holds of entries that the server cannot look into: MariaDB ends at 32 levels, and
// MySQL at 100.
const UNKNOWN = `X'${"00".repeat(32)}'`;

/** A path that an index can be made for. */
export interface IndexedPath {
  /** The name of the column, and of its index. */
  readonly column: string;
  /** What the column holds, in SQL. */
  readonly key: string;
}

/** The paths of a schema that indexes can be made for; types that have the same share one. */
export function indexedPaths(schema: Schema): readonly IndexedPath[] {
  const paths = new Set(Object.values(schema).flatMap(({ indices = [] }) => indices));
  return [...paths].flatMap((path) => indexedPath(path) ?? []);
}

/** `undefined` where the server could not find the value as the databank does. */
function indexedPath(path: string): IndexedPath | undefined {
  const places = jsonPaths(path);
  // A question mark would be taken for a parameter.
  if (places === undefined || path.includes("?")) return undefined;
  const found = places.map((place) => `JSON_EXTRACT(value, ${quoted(place)})`);
  const first = found.length > 1 ? `COALESCE(${found.join(", ")})` : `${found[0]}`;
  const hash = createHash("sha256").update(path).digest("hex").slice(0, 8);
  const readable = path.replace(/\W+/g, "_").slice(0, 40);
  return {
    column: `search_${readable}_${hash}`,
    key: `CASE WHEN LEFT(value, 1) = '${OPAQUE}' THEN ${UNKNOWN} WHEN JSON_VALID(value) THEN ${keyOf(first)} ELSE ${UNKNOWN} END`,
  };
}

/**
 * A hash of JSON text, which tells 1 from "1"; of objects and arrays only what they are, because
 * the order of keys does not matter to the databank.
 */
function keyOf(json: string): string {
  const text = `CAST(${json} AS CHAR CHARACTER SET utf8mb4)`;
  return `UNHEX(SHA2(IF(LEFT(${text}, 1) IN ('{', '['), LEFT(${text}, 1), ${text}), 256))`;
}

/**
 * JSON whose property `a` has the same hash as `json`, with nothing in it that the server would not
 * look into: of half of a surrogate pair the index knows nothing, so there is no such property.
 */
function probeOf(json: string): string {
  if (json.startsWith("{")) return '{"a":{}}';
  if (json.startsWith("[")) return '{"a":[]}';
  return String(JSON.parse(json)).isWellFormed() ? `{"a":${json}}` : "{}";
}

/** A page of live entries that may satisfy the criteria, by key. */
export async function search(
  table: Table,
  type: string,
  criteria: readonly Criterion[],
  page: Page,
): Promise<EntryPage> {
  const conditions = criteria.flatMap(({ path, json }) => {
    const indexed = indexedPath(path);
    return indexed ? [{ column: identifier(indexed.column), json: probeOf(json) }] : [];
  });
  const [first] = conditions;
  if (!first) return scan(table, type, page);

  // The server writes numbers and texts in its own way, so it is asked how it would write these.
  const wanted = keyOf("JSON_EXTRACT(?, '$.a')");
  const isWanted = conditions.map(({ column }) => `${column} = ${wanted}`).join(" AND ");
  const { limit, cursor } = page;
  const parts = [isWanted, `${first.column} = ${UNKNOWN}`].map((condition) =>
    table.statements.search(first.column, condition, limit),
  );
  const key = typeKey(type);
  const from = cursor ?? BEFORE_ALL;
  // The text is a parameter as often as the hash looks at it.
  const jsons = conditions.flatMap(({ json }) =>
    Array<string>(wanted.split("?").length - 1).fill(json),
  );
  const rows = await table.connections.rows(
    `${parts.join(" UNION ALL ")} ORDER BY id LIMIT ${limit}`,
    [key, ...jsons, from, key, from],
  );
  return toPage(rows, limit);
}
