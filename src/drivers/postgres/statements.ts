import type { SearchConditions } from "./indices.js";
import { tableName } from "./options.js";
import { literal } from "./text.js";

/** The type of the column `value`: both keep a JSON text as it was written, as `jsonb` would not. */
export type ValueType = "json" | "text";

/** How the statements see the table. */
export interface TableShape {
  /** `table` or `schema.table`. */
  readonly table: string;
  readonly valueType: ValueType;
  /** Whether the server knows the collation "C". CockroachDB compares bytes anyway. */
  readonly hasCollations: boolean;
}

/** The statements of a driver, made once for its table. */
export type Statements = ReturnType<typeof statementsOf>;

// One clock decides what has expired, the server's, and deadlines travel as time remaining:
// reckoned from when the statement came, since that is nearest to when it was sent.
const SENT = "extract(epoch FROM statement_timestamp())::float8";

/** The moment that is so many milliseconds away; NULL, never, stays NULL. */
const deadline = (leftMs: string) => `to_timestamp(${SENT} + ${leftMs} / 1000)`;

const later = (a: string, b: string) =>
  `CASE WHEN ${a} IS NULL OR ${b} IS NULL THEN NULL ELSE greatest(${a}, ${b}) END`;

// By the clock as it stood when the statement came: the same wherever the statement looks.
const live = "(e.expires_at IS NULL OR e.expires_at > statement_timestamp())";
// By the clock as it is once a lock has been waited for: meanwhile the entry may have expired.
const liveNow = "(e.expires_at IS NULL OR e.expires_at > clock_timestamp())";

const columns = (value: string) => `e.id, e.full_id, e.version,
    (extract(epoch FROM e.created_at) * 1000)::float8 AS created_ms,
    ((extract(epoch FROM e.expires_at)::float8 - ${SENT}) * 1000)::float8 AS left_ms,
    ${value} AS value`;

/** The names of what one write brings, as parameters or as columns of many writes. */
type Given = Record<"version" | "createdMs" | "leftMs" | "value", string>;

/**
 * The statements of a table.
 *
 * Statements on many rows lock them in one pass in order of id: transactions that lock in
 * different orders, or twice, would wait for each other.
 */
export function statementsOf(shape: TableShape) {
  const table = tableName(shape.table);
  const json = (text: string) => `${text}::${shape.valueType}`;
  const byId = (id: string) => `ORDER BY ${id}${shape.hasCollations ? ' COLLATE "C"' : ""}`;
  return {
    ...reading(table),
    ...insertion(table, json, byId),
    ...changing(table, json, byId),
    ...touching(table, byId),
    ...deletion(table, byId),
    ...listing(table, byId),
    ...cleaning(table),
    search: searching(table, byId),
  };
}

type Wrap = (sql: string) => string;

function reading(table: string) {
  // A value that the reader knows is not even fetched from where long values are kept.
  const unless = (known: string) =>
    columns(`CASE WHEN e.version IS DISTINCT FROM ${known} THEN e.value::text END`);
  return {
    readOne: `SELECT ${unless("$3::text")} FROM ${table} AS e
      WHERE e.type = $1 AND e.id = $2 AND ${live}`,
    readMany: `SELECT ${columns("e.value::text")} FROM ${table} AS e
      WHERE e.type = $1 AND e.id = ANY($2::text[]) AND ${live}`,
    readManyKnown: `SELECT ${unless("w.known")}
      FROM unnest($2::text[], $3::text[]) AS w(id, known)
      JOIN ${table} AS e ON e.type = $1 AND e.id = w.id WHERE ${live}`,
  };
}

/** Writes of what is absent or whatever is there. They give back the entries that stood in the way. */
function insertion(table: string, json: Wrap, byId: Wrap) {
  const into = `INSERT INTO ${table} AS e
    (type, id, full_id, version, created_at, expires_at, cleanup_at, value)`;
  const values = ({ version, createdMs, leftMs, value }: Given) =>
    `${version}, to_timestamp(${createdMs} / 1000), ${deadline(leftMs)}, ${deadline(leftMs)},
      ${json(value)}`;
  const orReplace = (isAbsentOnly: string, isExtended: string) => {
    // A refused write puts the entry in its own place, because only so can it be given back.
    const isRefused = `${isAbsentOnly} AND ${live}`;
    const set = (column: string, given = `excluded.${column}`) =>
      `${column} = CASE WHEN ${isRefused} THEN e.${column} ELSE ${given} END`;
    const expiresAt = `CASE WHEN ${isExtended} AND ${live}
      THEN ${later("e.expires_at", "excluded.expires_at")} ELSE excluded.expires_at END`;
    return `ON CONFLICT (type, id) DO UPDATE SET ${set("version")}, ${set("created_at")},
      ${set("expires_at", expiresAt)}, ${set("cleanup_at", earlier("excluded.cleanup_at"))},
      ${set("value")}`;
  };
  const one = { version: "$4", createdMs: "$5::float8", leftMs: "$6::float8", value: "$7" };
  return {
    insertOne: `${into} VALUES ($1, $2, $3, ${values(one)}) ${orReplace("$8::bool", "$9::bool")}
      RETURNING ${columns("CASE WHEN e.version <> $4 THEN e.value::text END")}`,
    insertMany: `WITH w AS MATERIALIZED (
      SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::float8[], $6::float8[], $7::text[])
        AS w(id, full_id, version, created_ms, left_ms, value)
    ), e AS (
      ${into} SELECT $1, w.id, w.full_id, ${values(MANY)} FROM w ${byId("w.id")}
      ${orReplace("$8::bool", "$9::bool")} RETURNING e.*
    )
    SELECT ${columns("e.value::text")} FROM e JOIN w ON w.id = e.id WHERE e.version <> w.version`,
  };
}

const MANY: Given = {
  version: "w.version",
  createdMs: "w.created_ms",
  leftMs: "w.left_ms",
  value: "w.value",
};

// Cleanup looks too early rather than too late, and its index is left alone: see table.ts.
const earlier = (cleanupAt: string) => `least(e.cleanup_at, ${cleanupAt})`;

/** Writes on what is present or has a version. */
function changing(table: string, json: Wrap, byId: Wrap) {
  const set = ({ version, createdMs, leftMs, value }: Given, isExtended: string) =>
    `version = ${version}, created_at = to_timestamp(${createdMs} / 1000),
      expires_at = CASE WHEN ${isExtended}
        THEN ${later("e.expires_at", deadline(leftMs))} ELSE ${deadline(leftMs)} END,
      cleanup_at = ${earlier(deadline(leftMs))}, value = ${json(value)}`;
  const isMet = (condition: string, version: string) =>
    `(${condition} = 'present' OR ${condition} = ${version})`;
  const one = { version: "$3", createdMs: "$4::float8", leftMs: "$5::float8", value: "$6" };
  return {
    changeOne: `UPDATE ${table} AS e SET ${set(one, "$7::bool")}
      WHERE e.type = $1 AND e.id = $2 AND ${liveNow} AND ${isMet("$8::text", "e.version")}
      RETURNING e.id`,
    changeMany: `WITH w AS MATERIALIZED (
      SELECT * FROM unnest($2::text[], $3::text[], $4::float8[], $5::float8[], $6::text[], $7::bool[],
        $8::text[]) AS w(id, version, created_ms, left_ms, value, is_extended, condition)
    ), locked AS MATERIALIZED (
      SELECT e.id, e.full_id, e.version, e.created_at, e.expires_at, e.value
      FROM ${table} AS e WHERE e.type = $1 AND e.id = ANY($2::text[]) ${byId("e.id")} FOR UPDATE
    ), changed AS (
      UPDATE ${table} AS e SET ${set(MANY, "w.is_extended")} FROM locked JOIN w ON w.id = locked.id
      WHERE e.type = $1 AND e.id = locked.id AND ${liveNow}
        AND ${isMet("w.condition", "locked.version")} RETURNING e.id
    )
    SELECT ${columns(`CASE WHEN c.id IS NULL AND ${liveNow} THEN e.value::text END`)},
      c.id AS changed_id
    FROM locked AS e LEFT JOIN changed AS c ON c.id = e.id`,
  };
}

function touching(table: string, byId: Wrap) {
  const set = (leftMs: string) => `expires_at = ${later("e.expires_at", deadline(leftMs))}`;
  return {
    touchOne: `UPDATE ${table} AS e SET ${set("$3::float8")}
      WHERE e.type = $1 AND e.id = $2 AND ${liveNow} RETURNING e.id`,
    touchMany: `WITH locked AS MATERIALIZED (${lockedIds(table, byId)})
    UPDATE ${table} AS e SET ${set("w.left_ms")}
      FROM locked JOIN unnest($2::text[], $3::float8[]) AS w(id, left_ms) ON w.id = locked.id
      WHERE e.type = $1 AND e.id = locked.id AND ${liveNow} RETURNING e.id`,
  };
}

function deletion(table: string, byId: Wrap) {
  return {
    deleteOne: `DELETE FROM ${table} AS e WHERE e.type = $1 AND e.id = $2 AND ${liveNow}
      AND ($3::text IS NULL OR e.version = $3) RETURNING e.id`,
    deleteMany: `WITH locked AS MATERIALIZED (${lockedIds(table, byId)})
    DELETE FROM ${table} AS e
      USING locked JOIN unnest($2::text[], $3::text[]) AS w(id, condition) ON w.id = locked.id
      WHERE e.type = $1 AND e.id = locked.id AND ${liveNow}
        AND (w.condition IS NULL OR w.condition = e.version) RETURNING e.id`,
  };
}

function lockedIds(table: string, byId: Wrap): string {
  return `SELECT e.id FROM ${table} AS e
      WHERE e.type = $1 AND e.id = ANY($2::text[]) AND ${live} ${byId("e.id")} FOR UPDATE`;
}

/** Statements on all entries of a type, page by page in order of id. */
function listing(table: string, byId: Wrap) {
  return {
    // Expired entries count towards the page, or a page could take as long as the whole table.
    scan: `SELECT ${columns(`CASE WHEN ${live} THEN e.value::text END`)} FROM ${table} AS e
      WHERE e.type = $1 AND e.id > $2 ${byId("e.id")} LIMIT $3`,
    count: `SELECT count(*)::float8 AS entries FROM ${table} AS e WHERE e.type = $1 AND ${live}`,
    clear: `WITH page AS MATERIALIZED (
      SELECT e.id FROM ${table} AS e WHERE e.type = $1 AND e.id > $2
      ${byId("e.id")} LIMIT $3 FOR UPDATE
    ), deleted AS (
      DELETE FROM ${table} AS e USING page WHERE e.type = $1 AND e.id = page.id
    )
    SELECT max(id) AS last FROM page`,
  };
}

/**
 * The steps of a cleanup: delete what has expired of the entries that are due, and put off the
 * others until their deadlines. They wait for no lock, so that they need no order.
 */
function cleaning(table: string) {
  const due = `WITH due AS MATERIALIZED (
      SELECT e.id, e.expires_at FROM ${table} AS e
      WHERE e.type = $1 AND e.cleanup_at <= statement_timestamp()
      ORDER BY e.cleanup_at LIMIT $2 FOR UPDATE SKIP LOCKED
    )`;
  return {
    deleteDue: `${due} DELETE FROM ${table} AS e USING due
      WHERE e.type = $1 AND e.id = due.id AND due.expires_at <= statement_timestamp()
      RETURNING e.id`,
    putOffDue: `${due} UPDATE ${table} AS e SET cleanup_at = e.expires_at FROM due
      WHERE e.type = $1 AND e.id = due.id
        AND (due.expires_at IS NULL OR due.expires_at > statement_timestamp())
      RETURNING e.id`,
  };
}

/** Makes the statement of a search: the type stands in it, because the index is of this type only. */
function searching(table: string, byId: Wrap) {
  return (typeKey: string, { either, besides }: SearchConditions): string => {
    const ways = either.map((condition) => {
      const conditions = [condition, ...besides, `type = ${literal(typeKey)}`, "id > $1"];
      return `(SELECT * FROM ${table} WHERE ${conditions.join(" AND ")} ${byId("id")} LIMIT $2)`;
    });
    return `SELECT ${columns(`CASE WHEN ${live} THEN e.value::text END`)}
      FROM (${ways.join(" UNION ALL ")}) AS e ${byId("e.id")} LIMIT $2`;
  };
}
