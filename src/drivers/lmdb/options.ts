import {
  checkNames,
  flag,
  invalidOption,
  isInsteadOfUrl,
  text,
  wholeNumber,
} from "../../databank/options.js";
import { withPathOptions } from "../driver-url.js";
import type { LmdbDatabase } from "./client.js";

/** Where the entries are: in a folder that the driver opens, or in a database that you opened. */
export type LmdbOptions = LmdbUrlOptions | LmdbDatabaseOptions;

/** A folder that the driver opens and closes. */
export interface LmdbUrlOptions {
  /**
   * `lmdb:./sessions` or `lmdb:///var/lib/app/sessions`. The other options may be its parameters:
   * `lmdb:./sessions?durable=false`.
   */
  readonly url: string;
  /**
   * Whether each write is on the disk before it is acknowledged. Without it a power failure may
   * damage the whole database; the end of the application, however sudden, does not.
   * @default true
   */
  readonly durable?: boolean;
  /**
   * Permissions of files that are created.
   * @default 0o600
   */
  readonly mode?: number;
  /**
   * What the names of the databases in the folder begin with.
   * @default "databank"
   */
  readonly name?: string;
}

/** A root database of yours. It is never closed, and none of its settings is changed. */
export interface LmdbDatabaseOptions {
  /** What `open` of lmdb returned. It needs room for four databases more (`maxDbs`). */
  readonly database: LmdbDatabase;
  /**
   * What the names of the databases in it begin with.
   * @default "databank"
   */
  readonly name?: string;
}

/** A folder, and how to open it. */
export interface FolderSettings {
  readonly path: string;
  readonly durable: boolean;
  readonly mode: number;
}

/** Options, checked and complete. */
export interface Settings {
  readonly from: LmdbDatabase | FolderSettings;
  readonly name: string;
}

/** @throws DatabankError `DATABANK_INVALID_OPTION`. */
export function resolveOptions(options: LmdbOptions): Settings {
  if (isInsteadOfUrl(options, "database")) {
    checkNames("The lmdb driver with a database object", options, ["database", "name"]);
    const { database, name = "databank" } = options;
    if (!isDatabase(database)) {
      throw invalidOption("database must be what open() of the package lmdb returned");
    }
    return { from: database, name: text("name", name) };
  }
  checkNames("The lmdb driver", options, ["url", "durable", "mode", "name", "database"]);
  const given = withPathOptions("An lmdb URL", options, {
    durable: "boolean",
    mode: "number",
    name: "text",
  });
  const { path, durable = true, mode = 0o600, name = "databank" } = given;
  if (path === "") throw invalidOption("An lmdb URL must name a folder, such as lmdb:./sessions");
  return {
    from: {
      path,
      durable: flag("durable", durable),
      mode: wholeNumber("mode", mode, 0o400, 0o777),
    },
    name: text("name", name),
  };
}

/** Whether it is a database object of lmdb, rather than a folder's settings. */
export function isDatabase(from: unknown): from is LmdbDatabase {
  if (typeof from !== "object" || from === null) return false;
  return "openDB" in from && "childTransaction" in from && "resetReadTxn" in from;
}
