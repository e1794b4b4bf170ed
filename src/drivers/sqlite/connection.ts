import type { Schema } from "../../databank/driver.js";
import { foreignTable } from "../foreign-table.js";
import { Commits, patiently } from "./commits.js";
import { openDatabase, type SqliteDatabase } from "./engine.js";
import type { Settings } from "./options.js";
import { COLUMNS, definitionsOf } from "./schema.js";
import { Table } from "./table.js";

// SQLite waits in its own thread, which is the one of the event loop.
const BUSY_TIMEOUT_MS = 10;

/** An open database, and what the driver does with it. */
export interface Connection {
  readonly database: SqliteDatabase;
  readonly commits: Commits;
  readonly table: Table;
}

/** Opens the database, or takes the one that was passed in as it is. */
export async function open({
  database,
  path,
  mode,
  durable,
  table,
}: Settings): Promise<Connection> {
  if (database) return connectionOf(database, table, true);
  const opened = await openDatabase(path, mode);
  try {
    opened.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    // Readers and a writer do not wait for each other, and a commit waits for the disk once.
    await patiently(() => opened.exec("PRAGMA journal_mode = WAL"));
    opened.exec(`PRAGMA synchronous = ${durable ? "FULL" : "NORMAL"}`);
    return connectionOf(opened, table, false);
  } catch (error) {
    opened.close();
    throw error;
  }
}

function connectionOf(database: SqliteDatabase, table: string, isShared: boolean): Connection {
  const commits = new Commits(database, isShared);
  return { database, commits, table: new Table(database, table) };
}

/**
 * Makes the table and the indexes that are missing.
 *
 * @throws DatabankError `DATABANK_INVALID_OPTION` for a table that is not a databank's.
 */
export async function define(
  { database, commits }: Connection,
  table: string,
  schema: Schema,
): Promise<void> {
  await patiently(() => checkColumns(database, table));
  const isMissing = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?");
  const definitions = definitionsOf(table, schema);
  // Looking first spares those who find everything there a wait for the lock of the writers.
  const missing = await patiently(() =>
    definitions.filter(({ name }) => isMissing.get(name) === undefined),
  );
  if (missing.length === 0) return;
  await commits.add(() => {
    for (const { sql } of missing) database.exec(sql);
  });
}

function checkColumns(database: SqliteDatabase, table: string): void {
  const found = database.prepare("SELECT name FROM pragma_table_info(?)").all(table);
  const names = found.map((row) => (row as { name: string }).name);
  const missing = COLUMNS.find((column) => !names.includes(column));
  if (names.length === 0 || missing === undefined) return;
  throw foreignTable(table, missing);
}
