import {
  checkNames,
  flag,
  invalidOption,
  isInsteadOfUrl,
  text,
  wholeNumber,
} from "../../databank/options.js";
import { withUrlOptions } from "../driver-url.js";
import type { PostgresPool } from "./connections.js";
import { identifier } from "./text.js";

/** Where the entries are: on a server that the driver connects to, or behind a pool of yours. */
export type PostgresOptions = PostgresUrlOptions | PostgresPoolOptions;

/** How the driver uses the database. */
export interface PostgresTableOptions {
  /**
   * The table, or the schema and the table, such as `web.sessions`.
   * @default "databank"
   */
  readonly table?: string;
  /**
   * Whether `connect` creates the table and the indexes where they are missing. Without it the
   * table has to be there: see `postgresTableSql`.
   * @default true
   */
  readonly createTable?: boolean;
  /**
   * Whether connections keep statements prepared, which is faster. A pooler that hands each
   * transaction to another connection may not allow it.
   * @default true
   */
  readonly preparedStatements?: boolean;
}

/** A server that the driver connects to, with a pool of its own. */
export interface PostgresUrlOptions extends PostgresTableOptions {
  /**
   * `postgres://user:password@host:5432/database`. Its parameters may be those of the package
   * `pg`, such as `sslmode`, and the other options: `…/database?table=web.sessions`.
   */
  readonly url: string;
  /**
   * The most connections, from 1.
   * @default 10
   */
  readonly maxConnections?: number;
}

/** A pool of yours. It is never closed. */
export interface PostgresPoolOptions extends PostgresTableOptions {
  /** A `Pool` of the package `pg`. */
  readonly pool: PostgresPool;
}

/** Options, checked and complete. */
export interface Settings extends Required<PostgresTableOptions> {
  readonly url: string;
  readonly maxConnections: number;
  readonly pool: PostgresPool | undefined;
}

const TABLE_NAMES = ["table", "createTable", "preparedStatements"];
const URL_NAMES = ["url", "maxConnections", ...TABLE_NAMES, "pool"];

// What the package pg takes: two are old names, and two are for sockets of the system.
const SCHEME = /^((postgres(ql)?|pg|tcp):\/|socket:|\/)/i;

/** @throws DatabankError `DATABANK_INVALID_OPTION`. */
export function resolveOptions(options: PostgresOptions): Settings {
  if (isInsteadOfUrl(options, "pool")) {
    checkNames("The postgres driver with a pool", options, ["pool", ...TABLE_NAMES]);
    if (!isPool(options.pool)) throw invalidOption("pool must be a Pool of the package pg");
    return { ...tableSettings(options), url: "", maxConnections: 0, pool: options.pool };
  }
  checkNames("The postgres driver", options, URL_NAMES);
  // Of a text without a scheme the package pg makes a host named base, and it asks any server.
  if (!SCHEME.test(text("url", options.url))) {
    throw invalidOption("url must begin with postgres:// or postgresql://");
  }
  const given = withUrlOptions("A postgres URL", options, {
    table: "text",
    createTable: "boolean",
    preparedStatements: "boolean",
    maxConnections: "number",
  });
  const { url, maxConnections = 10 } = given;
  return {
    ...tableSettings(given),
    url,
    maxConnections: wholeNumber("maxConnections", maxConnections, 1),
    pool: undefined,
  };
}

function isPool(pool: unknown): boolean {
  const { query, on, connectionParameters } = Object(pool) as Record<string, unknown>;
  // A Client has these, too, but is one connection, and of no use when that has ended.
  const isClient = connectionParameters !== undefined;
  return typeof query === "function" && typeof on === "function" && !isClient;
}

function tableSettings(options: PostgresTableOptions): Required<PostgresTableOptions> {
  const { table = "databank", createTable = true, preparedStatements = true } = options;
  tableName(text("table", table));
  return {
    table,
    createTable: flag("createTable", createTable),
    preparedStatements: flag("preparedStatements", preparedStatements),
  };
}

// Longer ones are cut by Postgres, so that two tables might be one.
const MAX_NAME_BYTES = 63;

/**
 * The table as it stands in SQL, from `table` or `schema.table`.
 *
 * @throws DatabankError `DATABANK_INVALID_OPTION`.
 */
export function tableName(name: string): string {
  const parts = name.split(".");
  const isValid = parts.every(
    (part) =>
      part !== "" &&
      !part.includes("\0") &&
      part.isWellFormed() &&
      Buffer.byteLength(part) <= MAX_NAME_BYTES,
  );
  if (isValid && parts.length <= 2) return parts.map(identifier).join(".");
  throw invalidOption(
    'table must be the name of a table, or a schema and a table, such as "web.sessions"',
  );
}
