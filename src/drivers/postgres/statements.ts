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
const SENT = "statement_timestamp()";

/** The moment that is so many milliseconds away; NULL, never, stays NULL. */
const deadline = (leftMs: string) => `${SENT} + ${leftMs} * interval '1 millisecond'`;

/** A moment of the caller's clock, from epoch milliseconds. */
const moment = (ms: string) => `to_timestamp(${ms} / 1000)`;

const later = (a: string, b: string) =>
  `CASE WHEN ${a} IS NULL OR ${b} IS NULL THEN NULL ELSE greatest(${a}, ${b}) END`;

// By the clock as it stood when the statement came: the same wherever the statement looks.
const live = `(e.expires_at IS NULL OR e.expires_at > ${SENT})`;
// By the clock as it is once a lock has been waited for: meanwhile the entry may have expired.
const liveNow = "(e.expires_at IS NULL OR e.expires_at > clock_timestamp())";

const columns = (value: string) => `e.id, e.full_id, e.version,
    date_part('epoch', e.created_at) * 1000 AS created_ms,
    date_part('epoch', e.expires_at - ${SENT}) * 1000 AS left_ms,
    ${value} AS value`;

/**
 * The statements of a table.
 *
 * Statements on many rows lock them in one pass in order of id: transactions that lock in
 * different orders, or twice, would wait for each other. They give back what was not done, which is
 * mostly nothing.
 */
export function statementsOf(shape: TableShape) {
  const table = tableName(shape.table);
  // Pages need the order that their comparison has, whatever the collation of the column.
  const inOrder = (id: string) => `${id}${shape.hasCollations ? ' COLLATE "C"' : ""}`;
  const byId = (id: string) => `ORDER BY ${inOrder(id)}`;
  return {
    ...reading(table),
    ...insertion(table, shape.valueType, byId),
    ...changing(table, shape.valueType, byId),
    ...touching(table, byId),
    ...deletion(table, byId),
    ...listing(table, inOrder, byId),
    ...cleaning(table),
    search: searching(table, inOrder, byId),
    /** The values of a batch as one parameter. As JSON none of them has to be escaped. */
    manyValues: (texts: readonly string[]): unknown =>
      shape.valueType === "json" ? `[${texts.join()}]` : texts,
  };
}

type ById = (id: string) => string;

// Without the array Postgres might read the whole table, which it knows little about at first.
const ASKED = "e.type = $1 AND e.id = ANY($2::text[])";

/** The members of a batch as the rows of `w`, with `names` for the columns before the value. */
function members(arrays: string, names: string, values: string, valueType: ValueType): string {
  if (valueType === "text") {
    return `SELECT * FROM unnest(${arrays}, ${values}::text[]) AS w(${names}, value)`;
  }
  // A text that was two JSON values would move others to wrong ids; but then an id is missing.
  return `SELECT *, 1 / (w.id IS NOT NULL)::int AS one_unless_an_id_is_missing
      FROM ROWS FROM (unnest(${arrays}), json_array_elements(${values}::json)) AS w(${names}, value)`;
}

function reading(table: string) {
  // A value that the reader knows is not even fetched from where long values are kept.
  const unless = (known: string) =>
    columns(`CASE WHEN e.version IS DISTINCT FROM ${known} THEN e.value::text END`);
  return {
    readOne: `SELECT ${unless("$3::text")} FROM ${table} AS e
      WHERE e.type = $1 AND e.id = $2 AND ${live}`,
    readMany: `SELECT ${columns("e.value::text")} FROM ${table} AS e
      WHERE ${ASKED} AND ${live}`,
    readManyKnown: `SELECT ${unless("w.known")}
      FROM unnest($2::text[], $3::text[]) AS w(id, known)
      JOIN ${table} AS e ON e.id = w.id WHERE ${ASKED} AND ${live}`,
  };
}

/** Writes of what is absent or whatever is there. They give back the entries that stood in the way. */
function insertion(table: string, valueType: ValueType, byId: ById) {
  const into = `INSERT INTO ${table} AS e
    (type, id, full_id, version, created_at, expires_at, cleanup_at, value)`;
  // A refused write puts the entry in its own place, because only so can it be given back.
  const isRefused = `$8::bool AND ${live}`;
  const set = (column: string, given = `excluded.${column}`) =>
    `${column} = CASE WHEN ${isRefused} THEN e.${column} ELSE ${given} END`;
  const expiresAt = `CASE WHEN $9::bool AND ${live}
      THEN ${later("e.expires_at", "excluded.expires_at")} ELSE excluded.expires_at END`;
  const orReplace = `ON CONFLICT (type, id) DO UPDATE SET ${set("version")}, ${set("created_at")},
      ${set("expires_at", expiresAt)}, ${set("cleanup_at", earlier("excluded.cleanup_at"))},
      ${set("value")}`;
  const arrays = "$2::text[], $3::text[], $4::text[], $5::float8[], $6::float8[]";
  return {
    insertOne: `${into} VALUES ($1, $2, $3, $4, ${moment("$5::float8")},
        ${deadline("$6::float8")}, ${deadline("$6::float8")}, $7)
      ${orReplace} RETURNING ${columns("CASE WHEN e.version <> $4 THEN e.value::text END")}`,
    insertMany: `WITH w AS MATERIALIZED (
      ${members(arrays, "id, full_id, version, created_ms, left_ms", "$7", valueType)}
    ), given AS (
      SELECT w.*, ${deadline("w.left_ms")} AS deadline FROM w
    ), e AS (
      ${into} SELECT $1, g.id, g.full_id, g.version, ${moment("g.created_ms")}, g.deadline, g.deadline,
        g.value FROM given AS g ${byId("g.id")}
      ${orReplace} RETURNING e.*
    )
    SELECT ${columns("e.value::text")} FROM e JOIN w ON w.id = e.id WHERE e.version <> w.version`,
  };
}

// Cleanup looks too early rather than too late, and its index is left alone: see table.ts.
const earlier = (cleanupAt: string) => `least(e.cleanup_at, ${cleanupAt})`;

/** Writes on what is present or has a version. */
function changing(table: string, valueType: ValueType, byId: ById) {
  const set = (deadlineAt: string, isExtended: string) =>
    `expires_at = CASE WHEN ${isExtended}
        THEN ${later("e.expires_at", deadlineAt)} ELSE ${deadlineAt} END,
      cleanup_at = ${earlier(deadlineAt)}`;
  const isMet = (condition: string) => `(${condition} = 'present' OR ${condition} = e.version)`;
  const arrays = "$2::text[], $3::text[], $4::float8[], $5::float8[], $7::bool[], $8::text[]";
  const names = "id, version, created_ms, left_ms, is_extended, condition";
  return {
    changeOne: `UPDATE ${table} AS e SET version = $3, created_at = ${moment("$4::float8")},
      ${set(deadline("$5::float8"), "$7::bool")}, value = $6
      WHERE e.type = $1 AND e.id = $2 AND ${liveNow} AND ${isMet("$8::text")} RETURNING e.id`,
    changeMany: `WITH w AS MATERIALIZED (
      ${members(arrays, names, "$6", valueType)}
    ), locked AS MATERIALIZED (
      SELECT e.id, e.full_id, e.version, e.created_at, e.expires_at,
        CASE WHEN NOT ${isMet("w.condition")} THEN e.value END AS value,
        ${isMet("w.condition")} AS is_met, ${deadline("w.left_ms")} AS deadline
      FROM w JOIN ${table} AS e ON e.id = w.id WHERE ${ASKED} ${byId("e.id")} FOR UPDATE OF e
    ), changed AS (
      UPDATE ${table} AS e SET version = w.version, created_at = ${moment("w.created_ms")},
        ${set("l.deadline", "w.is_extended")}, value = w.value
      FROM locked AS l JOIN w ON w.id = l.id
      WHERE ${ASKED} AND e.id = l.id AND l.is_met AND ${liveNow} RETURNING e.id
    )
    SELECT w.id AS asked_id, ${columns(`CASE WHEN ${liveNow} THEN e.value::text END`)}
    FROM w LEFT JOIN locked AS e ON e.id = w.id
    WHERE NOT EXISTS (SELECT 1 FROM changed AS c WHERE c.id = w.id)`,
  };
}

function touching(table: string, byId: ById) {
  const set = (deadlineAt: string) => `expires_at = ${later("e.expires_at", deadlineAt)}`;
  return {
    touchOne: `UPDATE ${table} AS e SET ${set(deadline("$3::float8"))}
      WHERE e.type = $1 AND e.id = $2 AND ${liveNow} RETURNING e.id`,
    touchMany: `WITH w AS MATERIALIZED (
      SELECT * FROM unnest($2::text[], $3::float8[]) AS w(id, left_ms)
    ), locked AS MATERIALIZED (
      SELECT e.id, ${deadline("w.left_ms")} AS deadline
      FROM w JOIN ${table} AS e ON e.id = w.id WHERE ${ASKED} ${byId("e.id")} FOR UPDATE OF e
    ), done AS (
      UPDATE ${table} AS e SET ${set("l.deadline")}
      FROM locked AS l WHERE ${ASKED} AND e.id = l.id AND ${liveNow} RETURNING e.id
    ) ${NOT_DONE}`,
  };
}

const NOT_DONE = "SELECT w.id FROM w WHERE NOT EXISTS (SELECT 1 FROM done WHERE done.id = w.id)";

function deletion(table: string, byId: ById) {
  return {
    deleteOne: `DELETE FROM ${table} AS e WHERE e.type = $1 AND e.id = $2 AND ${liveNow}
      AND ($3::text IS NULL OR e.version = $3) RETURNING e.id`,
    deleteMany: `WITH w AS MATERIALIZED (
      SELECT * FROM unnest($2::text[], $3::text[]) AS w(id, condition)
    ), locked AS MATERIALIZED (
      SELECT e.id, w.condition IS NULL OR w.condition = e.version AS is_met
      FROM w JOIN ${table} AS e ON e.id = w.id WHERE ${ASKED} ${byId("e.id")} FOR UPDATE OF e
    ), done AS (
      DELETE FROM ${table} AS e USING locked AS l
      WHERE ${ASKED} AND e.id = l.id AND l.is_met AND ${liveNow} RETURNING e.id
    ) ${NOT_DONE}`,
  };
}

/** Statements on all entries of a type, page by page in order of id. */
function listing(table: string, inOrder: ById, byId: ById) {
  return {
    // Expired entries count towards the page, or a page could take as long as the whole table.
    scan: `SELECT ${columns(`CASE WHEN ${live} THEN e.value::text END`)} FROM ${table} AS e
      WHERE e.type = $1 AND ${inOrder("e.id")} > $2 ${byId("e.id")} LIMIT $3`,
    // In one go, which is eight times as fast as page by page in an order that the table has not.
    count: `SELECT count(*)::float8 AS live FROM ${table} AS e WHERE e.type = $1 AND ${live}`,
    clear: `WITH page AS MATERIALIZED (
      SELECT e.id FROM ${table} AS e WHERE e.type = $1 AND ${inOrder("e.id")} > $2
      ${byId("e.id")} LIMIT $3 FOR UPDATE
    ), deleted AS (
      DELETE FROM ${table} AS e USING page WHERE e.type = $1 AND e.id = page.id
    )
    SELECT count(*)::int AS deleted, max(${inOrder("id")}) AS last FROM page`,
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
function searching(table: string, inOrder: ById, byId: ById) {
  return (typeKey: string, { either, besides }: SearchConditions): string => {
    const ways = either.map((condition) => {
      const conditions = [
        condition,
        ...besides,
        `type = ${literal(typeKey)}`,
        `${inOrder("id")} > $1`,
      ];
      return `(SELECT * FROM ${table} WHERE ${conditions.join(" AND ")} ${byId("id")} LIMIT $2)`;
    });
    return `SELECT ${columns(`CASE WHEN ${live} THEN e.value::text END`)}
      FROM (${ways.join(" UNION ALL ")}) AS e ${byId("e.id")} LIMIT $2`;
  };
}
