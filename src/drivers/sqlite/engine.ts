import { mkdir, open } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { DatabankError } from "../../databank/errors.js";
import { importPackage } from "../import-package.js";

/** What SQLite takes and gives in the columns of this driver. */
export type SqliteValue = null | number | string;

/** The part of a prepared statement that the driver uses. */
export interface SqliteStatement {
  run(...values: SqliteValue[]): { readonly changes: number | bigint };
  get(...values: SqliteValue[]): unknown;
  all(...values: SqliteValue[]): unknown[];
}

/** The part of a database object that the driver uses; `node:sqlite` and better-sqlite3 have it. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  close(): unknown;
}

type DatabaseClass = new (path: string) => SqliteDatabase;

const PACKAGE = "better-sqlite3";
const RANGE_ON_NODE_20 = "^12";

/**
 * Opens a SQLite file with `node:sqlite`, or with better-sqlite3 where Node does not have that.
 * A missing file is created, for its owner alone, and so is its folder.
 *
 * @param mode - Permissions of a file that is created.
 */
export async function openDatabase(path: string, mode: number): Promise<SqliteDatabase> {
  const Database = builtIn() ?? (await installed());
  if (path !== ":memory:") {
    await mkdir(dirname(path), { recursive: true });
    // SQLite takes an empty file for a new database, and gives its log the same permissions.
    const file = await open(path, "a", mode);
    await file.close();
  }
  return new Database(path);
}

/** The class of `node:sqlite`, or `undefined` where Node does not have it. */
function builtIn(): DatabaseClass | undefined {
  const module: unknown = process.getBuiltinModule?.("node:sqlite");
  return (module as { DatabaseSync: DatabaseClass } | undefined)?.DatabaseSync;
}

async function installed(): Promise<DatabaseClass> {
  refuseUnsafe(installedVersion());
  const range = nodeMajor() < 22 ? RANGE_ON_NODE_20 : undefined;
  const loaded = await importPackage<{ default: DatabaseClass }>("sqlite", PACKAGE, range);
  return loaded.default;
}

function installedVersion(): string | undefined {
  try {
    const manifest: unknown = createRequire(__filename)(`${PACKAGE}/package.json`);
    return (manifest as { version: string }).version;
  } catch {
    return undefined;
  }
}

/**
 * better-sqlite3 13 ends a process on Node 20 with a segmentation fault as soon as it is loaded.
 *
 * @throws DatabankError `DATABANK_DRIVER_NOT_INSTALLED`.
 */
export function refuseUnsafe(version: string | undefined, node = nodeMajor()): void {
  if (version === undefined || node >= 22 || Number.parseInt(version, 10) < 13) return;
  throw new DatabankError(
    `The sqlite driver cannot use better-sqlite3 ${version} on Node ${node}, which it would end: npm install "${PACKAGE}@${RANGE_ON_NODE_20}", or use Node 22 or newer`,
    { code: "DATABANK_DRIVER_NOT_INSTALLED" },
  );
}

function nodeMajor(): number {
  return Number.parseInt(process.versions.node, 10);
}

// Primary result codes of SQLite, which node:sqlite gives as numbers and better-sqlite3 as names.
const BUSY = new Set(["BUSY", "LOCKED"]);
const FATAL = new Set([
  ...BUSY,
  ..."NOMEM READONLY INTERRUPT IOERR CORRUPT FULL CANTOPEN PROTOCOL NOTADB".split(" "),
]);
const IN_USE = /within a transaction|busy executing a query/;
const NAMES: Readonly<Record<number, string>> = {
  5: "BUSY",
  6: "LOCKED",
  7: "NOMEM",
  8: "READONLY",
  9: "INTERRUPT",
  10: "IOERR",
  11: "CORRUPT",
  13: "FULL",
  14: "CANTOPEN",
  15: "PROTOCOL",
  26: "NOTADB",
};

/** Whether somebody else holds the lock, so that the same call may succeed later. */
export function isBusy(error: unknown): boolean {
  if (BUSY.has(resultCode(error))) return true;
  // The program that passed its own database object is in the middle of a transaction, or of the
  // rows of a statement, which better-sqlite3 lets nobody change anything beside.
  return error instanceof Error && IN_USE.test(error.message);
}

/** Whether an error concerns the database, rather than the one statement that failed. */
export function isFatal(error: unknown): boolean {
  return isBusy(error) || FATAL.has(resultCode(error));
}

function resultCode(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  // Extended codes keep the primary one in their low byte.
  if ("errcode" in error && typeof error.errcode === "number") {
    return NAMES[error.errcode & 0xff] ?? "";
  }
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return /^SQLITE_([A-Z]+)/.exec(code)?.[1] ?? "";
}
