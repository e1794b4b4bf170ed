import type { Schema } from "../../databank/driver.js";
import { foreignTable } from "../foreign-table.js";
import type { Connections } from "./connections.js";
import { errorNumber } from "./errors.js";
import { type IndexedPath, indexedPaths } from "./indices.js";
import { type Statements, statementsOf } from "./statements.js";
import { identifier, MAX_ID_BYTES, MAX_TYPE_BYTES } from "./text.js";

const NO_SUCH_TABLE = 1146;
const DUPLICATE_COLUMN = 1060;
const DUPLICATE_INDEX = 1061;

const KEY = (bytes: number) => ({
  is: `VARBINARY(${bytes})`,
  looks: new RegExp(`^varbinary\\(${bytes}\\)`),
});
const TIME = { is: "BIGINT", looks: /^bigint(\(\d+\))? $/ };

// In others, texts would be cut or changed without an error, because INSERT IGNORE makes none of it,
// and ids that differ in case would be one.
const COLUMNS: Readonly<Record<string, { readonly is: string; readonly looks: RegExp }>> = {
  type: KEY(MAX_TYPE_BYTES),
  id: KEY(MAX_ID_BYTES),
  long_id: { is: "LONGBLOB", looks: /^longblob/ },
  version: KEY(255),
  created_at: TIME,
  expires_at: TIME,
  cleanup_at: TIME,
  value: { is: "LONGTEXT CHARACTER SET utf8mb4", looks: /^longtext .*utf8mb4_/ },
};

/** A table on a server, and what the driver does with it. */
export interface Table {
  readonly connections: Connections;
  readonly statements: Statements;
  /** As it stands in SQL. */
  readonly name: string;
}

/**
 * Makes the table, its columns and its indexes where they are missing.
 *
 * @throws DatabankError `DATABANK_INVALID_OPTION` for a table that is not a databank's.
 */
export async function prepareTable(
  connections: Connections,
  name: string,
  schema: Schema,
): Promise<Table> {
  const columns = await columnsOf(connections, name);
  for (const path of indexedPaths(schema)) await addIndex(connections, name, columns, path);
  return { connections, statements: statementsOf(name), name };
}

async function columnsOf(connections: Connections, name: string): Promise<ReadonlySet<string>> {
  const sql = `SHOW FULL COLUMNS FROM ${name}`;
  const rows = await connections.look(sql).catch(async (error: unknown) => {
    if (errorNumber(error) !== NO_SUCH_TABLE) throw error;
    await connections.define(tableSql(name));
    return connections.look(sql);
  });
  const columns = new Map(rows.map(([column, type, set]) => [`${column}`, `${type} ${set ?? ""}`]));
  for (const [column, { looks, is }] of Object.entries(COLUMNS)) {
    if (looks.test(columns.get(column) ?? "")) continue;
    throw foreignTable(name, `${column} of the type ${is}`);
  }
  return new Set(columns.keys());
}

/**
 * Keys are bytes, because no collation that MySQL and MariaDB share tells `a` from `a `. The value
 * comes last. `cleanup_at` is when cleanup looks at an entry: at its deadline, or at an earlier one
 * that it had. A touch leaves it alone, and with it the index.
 */
function tableSql(name: string): string {
  return `CREATE TABLE IF NOT EXISTS ${name} (
  type VARBINARY(${MAX_TYPE_BYTES}) NOT NULL,
  id VARBINARY(${MAX_ID_BYTES}) NOT NULL,
  long_id LONGBLOB,
  version VARBINARY(255) NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  cleanup_at BIGINT,
  value LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (type, id),
  KEY cleanup (type, cleanup_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`;
}

/** Several processes may do this at once, and each finds out what the others have done. */
async function addIndex(
  connections: Connections,
  table: string,
  columns: ReadonlySet<string>,
  { column, key }: IndexedPath,
): Promise<void> {
  const name = identifier(column);
  if (!columns.has(column)) {
    await unlessThere(
      DUPLICATE_COLUMN,
      connections.define(
        `ALTER TABLE ${table} ADD COLUMN ${name} BINARY(32) GENERATED ALWAYS AS (${key}) VIRTUAL`,
      ),
    );
  }
  // The process that made the column may have ended before it made the index.
  const indexes = await connections.look(`SHOW INDEX FROM ${table} WHERE Key_name = '${column}'`);
  if (indexes.length > 0) return;
  await unlessThere(
    DUPLICATE_INDEX,
    connections.define(`ALTER TABLE ${table} ADD INDEX ${name} (type, ${name})`),
  );
}

async function unlessThere(errno: number, change: Promise<unknown>): Promise<void> {
  await change.catch((error: unknown) => {
    if (errorNumber(error) !== errno) throw error;
  });
}
