import { setTimeout as delay } from "node:timers/promises";
import type { Schema } from "../../databank/driver.js";
import { DatabankError } from "../../databank/errors.js";
import { invalidOption, text } from "../../databank/options.js";
import { foreignTable } from "../foreign-table.js";
import type { Connections } from "./connections.js";
import { codeOf } from "./errors.js";
import { cleanupName, searchIndexes } from "./indices.js";
import { type Settings, tableName } from "./options.js";
import type { TableShape, ValueType } from "./statements.js";
import { identifier } from "./text.js";

/**
 * The SQL of the table and its indexes, for whoever creates them with another role than the
 * application's. Where they are in place the driver creates nothing.
 *
 * @throws DatabankError `DATABANK_INVALID_OPTION` for a name that no table can have.
 */
export function postgresTableSql(
  options: {
    /**
     * `table` or `schema.table`.
     * @default "databank"
     */
    readonly table?: string;
    /** The databank's schema: its indices become indexes of the table. */
    readonly schema?: Schema;
  } = {},
): string {
  const table = text("table", options.table ?? "databank");
  const shape: TableShape = { table, valueType: "json", hasCollations: true };
  const definitions = definitionsOf(shape, options.schema ?? {});
  return definitions.map(({ sql }) => `${sql};\n`).join("\n");
}

const COLUMNS = "type id full_id version created_at expires_at cleanup_at value".split(" ");

interface Definition {
  readonly name: string;
  readonly sql: string;
}

/**
 * What `connect` makes where it is missing.
 *
 * `cleanup_at` is when cleanup looks at an entry: at its deadline, or at an earlier one that it
 * had. A touch leaves it alone, and so every index; then Postgres writes no index at all, if there
 * is room for the row in its page, which is what the fill factor is for.
 */
function definitionsOf(shape: TableShape, schema: Schema): readonly Definition[] {
  const { table, valueType, hasCollations } = shape;
  const key = hasCollations ? 'text COLLATE "C" NOT NULL' : "text NOT NULL";
  const own = table.split(".").at(-1) ?? table;
  const cleanup = cleanupName(table);
  return [
    {
      name: own,
      sql: `CREATE TABLE IF NOT EXISTS ${tableName(table)} (
  type ${key},
  id ${key},
  full_id text,
  version text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  cleanup_at timestamptz,
  value ${valueType} NOT NULL,
  PRIMARY KEY (type, id)
) WITH (fillfactor = 70)`,
    },
    {
      name: cleanup,
      sql: `CREATE INDEX IF NOT EXISTS ${identifier(cleanup)}
  ON ${tableName(table)} (type, cleanup_at) WHERE cleanup_at IS NOT NULL`,
    },
    ...searchIndexes(table, schema),
  ];
}

/**
 * Looks at the table, and makes it and the indexes where they are missing.
 *
 * @throws DatabankError `DATABANK_INVALID_OPTION` for a table that is missing and not to be made,
 *   or is not a databank's.
 */
export async function prepareTable(
  connections: Connections,
  { table, createTable }: Settings,
  schema: Schema,
): Promise<TableShape> {
  const found = await lookAt(connections, table);
  if (!createTable) {
    if (found.isThere) return found.shape;
    throw invalidOption(`The table ${table} is missing, and createTable is false`);
  }
  const definitions = definitionsOf(found.shape, schema);
  const names = definitions.map(({ name }) => inSchemaOf(table, name));
  // Looking first spares those who find everything there the right to create.
  const rows = await connections.look(
    "SELECT to_regclass(name)::text AS found FROM unnest($1::text[]) AS w(name)",
    [names],
  );
  for (const [i, { sql }] of definitions.entries()) {
    const { found: existing } = rows[i] as { found: string | null };
    if (existing === null) await create(connections, sql);
  }
  return found.shape;
}

/** Whether there is the table, and what it is like or shall be like. */
async function lookAt(connections: Connections, table: string) {
  const first = await descriptionOf(connections, table);
  // A table that is created in the middle of a statement has a name before it has columns.
  const isNew = first.found !== null && first.value_type === null;
  const { server, found, value_type, columns } = isNew
    ? await descriptionOf(connections, table)
    : first;
  const isThere = found !== null;
  const isCockroach = server.includes("CockroachDB");
  // CockroachDB's json is binary, and does not keep every value.
  const valueType = isThere ? value_type : isCockroach ? "text" : "json";
  if (!isValueType(valueType)) {
    throw foreignTable(table, "value of the type json or text");
  }
  const missing = isThere ? COLUMNS.find((column) => !columns?.includes(column)) : undefined;
  if (missing !== undefined) throw foreignTable(table, missing);
  const shape: TableShape = { table, valueType, hasCollations: !isCockroach };
  return { isThere, shape };
}

interface Description {
  readonly server: string;
  readonly found: string | null;
  readonly value_type: string | null;
  readonly columns: readonly string[] | null;
}

async function descriptionOf(connections: Connections, table: string): Promise<Description> {
  const [row] = await connections.look(
    `SELECT version() AS server, to_regclass($1)::text AS found, (
       SELECT format_type(a.atttypid, NULL) FROM pg_catalog.pg_attribute a
       WHERE a.attrelid = to_regclass($1) AND a.attname = 'value' AND NOT a.attisdropped
     ) AS value_type, (
       SELECT array_agg(a.attname::text) FROM pg_catalog.pg_attribute a
       WHERE a.attrelid = to_regclass($1) AND NOT a.attisdropped
     ) AS columns`,
    [tableName(table)],
  );
  return row as Description;
}

function isValueType(type: string | null): type is ValueType {
  return type === "json" || type === "text";
}

function inSchemaOf(table: string, name: string): string {
  const schema = table.includes(".") ? table.slice(0, table.indexOf(".") + 1) : "";
  return tableName(schema + name);
}

// "IF NOT EXISTS" is no lock: who comes second while the first is at it meets the first one's rows
// in the catalog, or a table that is there after all.
const LOST_RACE = new Set(["23505", "42P07", "42710", "40001", "40P01", "XX000"]);
const MAX_ATTEMPTS = 10;

async function create(connections: Connections, sql: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await connections.define(sql);
      return;
    } catch (error) {
      const code = codeOf(error) ?? "";
      if (code === "42501") throw notAllowed(error);
      if (!LOST_RACE.has(code) || attempt === MAX_ATTEMPTS) throw error;
      await delay(Math.random() * 20 * attempt);
    }
  }
}

function notAllowed(cause: unknown): DatabankError {
  return new DatabankError(
    "The role may not create the databank's table and indexes; have someone who may run what postgresTableSql() returns, and set createTable to false",
    { cause },
  );
}
