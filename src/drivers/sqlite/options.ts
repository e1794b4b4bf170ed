import {
  checkNames,
  flag,
  invalidOption,
  isInsteadOfUrl,
  text,
  wholeNumber,
} from "../../databank/options.js";
import { withPathOptions } from "../driver-url.js";
import type { SqliteDatabase } from "./engine.js";

/** Where the entries are: in a file that the driver opens, or in a database that you opened. */
export type SqliteOptions = SqliteUrlOptions | SqliteDatabaseOptions;

/** A file that the driver opens and closes. */
export interface SqliteUrlOptions {
  /**
   * `sqlite:./sessions.db`, `sqlite:///var/lib/app/sessions.db`, or `sqlite::memory:`. The other
   * options may be its parameters: `sqlite:./sessions.db?durable=false`.
   */
  readonly url: string;
  /**
   * Whether each write is on the disk before it is acknowledged. Without it a power failure may
   * undo the last ones; what the application alone loses, when it is killed, is nothing.
   * @default true
   */
  readonly durable?: boolean;
  /**
   * Permissions of a file that is created.
   * @default 0o600
   */
  readonly mode?: number;
  /**
   * The table, which is created where it is missing.
   * @default "databank"
   */
  readonly table?: string;
}

/** A database object of yours. It is never closed, and none of its settings is changed. */
export interface SqliteDatabaseOptions {
  /** A `DatabaseSync` of `node:sqlite`, or a database of better-sqlite3. */
  readonly database: SqliteDatabase;
  /**
   * The table, which is created where it is missing.
   * @default "databank"
   */
  readonly table?: string;
}

/** Options, checked and complete. */
export interface Settings {
  readonly database: SqliteDatabase | undefined;
  readonly path: string;
  readonly isMemory: boolean;
  readonly durable: boolean;
  readonly mode: number;
  readonly table: string;
}

/** @throws DatabankError `DATABANK_INVALID_OPTION`. */
export function resolveOptions(options: SqliteOptions): Settings {
  if (isInsteadOfUrl(options, "database")) {
    checkNames("The sqlite driver with a database object", options, ["database", "table"]);
    const { database, table = "databank" } = options;
    return {
      database,
      path: "",
      isMemory: isMemoryDatabase(database),
      durable: true,
      mode: 0,
      table: text("table", table),
    };
  }
  checkNames("The sqlite driver", options, ["url", "durable", "mode", "table", "database"]);
  const given = withPathOptions("A sqlite URL", options, {
    durable: "boolean",
    mode: "number",
    table: "text",
  });
  const { path, durable = true, mode = 0o600, table = "databank" } = given;
  if (path === "")
    throw invalidOption("A sqlite URL must name a file, such as sqlite:./sessions.db");
  return {
    database: undefined,
    path,
    isMemory: path === ":memory:",
    durable: flag("durable", durable),
    mode: wholeNumber("mode", mode, 0o400, 0o777),
    table: text("table", table),
  };
}

function isMemoryDatabase(database: SqliteDatabase): boolean {
  let files: readonly unknown[];
  try {
    files = database.prepare("PRAGMA database_list").all();
  } catch (cause) {
    throw invalidOption(
      "database must be an open database of node:sqlite or better-sqlite3",
      cause,
    );
  }
  return files.some((row) => {
    const { name, file } = row as { name: string; file: string };
    return name === "main" && file === "";
  });
}
