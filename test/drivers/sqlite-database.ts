import type { SqliteDatabase } from "../../src/drivers/sqlite.js";

type DatabaseClass = new (path: string) => SqliteDatabase;

/** Opens a database as a program would: with `node:sqlite`, or better-sqlite3 on Node 20. */
export async function openOwn(path: string): Promise<SqliteDatabase> {
  const builtIn: unknown = process.getBuiltinModule?.("node:sqlite");
  if (builtIn) return new (builtIn as { DatabaseSync: DatabaseClass }).DatabaseSync(path);
  const name = "better-sqlite3";
  const installed: unknown = await import(name);
  return new (installed as { default: DatabaseClass }).default(path);
}

/** A database, and what is executed and prepared on it. */
export function spied(database: SqliteDatabase): {
  readonly database: SqliteDatabase;
  readonly executed: string[];
  readonly prepared: string[];
} {
  const executed: string[] = [];
  const prepared: string[] = [];
  const spy: SqliteDatabase = {
    exec(sql) {
      executed.push(sql);
      return database.exec(sql);
    },
    prepare(sql) {
      prepared.push(sql);
      return database.prepare(sql);
    },
    close: () => database.close(),
  };
  return { database: spy, executed, prepared };
}
