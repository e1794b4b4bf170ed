import {
  checkNames,
  flag,
  invalidOption,
  isInsteadOfUrl,
  text,
  wholeNumber,
} from "../../databank/options.js";
import { withUrlOptions } from "../driver-url.js";
import type { ClientPool, MysqlPool, MysqlPromisePool, PoolConfig } from "./client.js";
import { identifier } from "./text.js";

/** Where the entries are: on a server that the driver connects to, or behind a pool of yours. */
export type MysqlOptions = MysqlUrlOptions | MysqlPoolOptions;

/** A server that the driver connects to, with a pool of its own. */
export interface MysqlUrlOptions {
  /**
   * `mysql://user:password@host:3306/database`, or `mariadb://…`. The other options may be its
   * parameters: `…/database?table=sessions&ssl=true`.
   */
  readonly url: string;
  /**
   * The table, or the database and the table, such as `web.sessions`. Created where it is missing.
   * @default "databank"
   */
  readonly table?: string;
  /**
   * The most connections, from 1.
   * @default 10
   */
  readonly maxConnections?: number;
  /**
   * Whether to connect by TLS, with a certificate that the machine trusts.
   * @default false
   */
  readonly ssl?: boolean;
  /** The path of the server's socket, instead of the URL's host and port. */
  readonly socketPath?: string;
}

/** A pool of yours. It is never closed, and none of its settings is changed. */
export interface MysqlPoolOptions {
  /** A pool of the package mysql2, for callbacks or for promises. */
  readonly pool: MysqlPool | MysqlPromisePool;
  /**
   * The table, or the database and the table, such as `web.sessions`. Created where it is missing.
   * @default "databank"
   */
  readonly table?: string;
}

/** Options, checked and complete. */
export interface Settings {
  readonly table: string;
  /** How to make a pool, or the pool that was passed in. */
  readonly pool: PoolConfig | ClientPool;
  readonly isOwn: boolean;
}

const NAMES = ["url", "table", "maxConnections", "ssl", "socketPath", "pool"];

/** @throws DatabankError `DATABANK_INVALID_OPTION`. */
export function resolveOptions(options: MysqlOptions): Settings {
  if (isInsteadOfUrl(options, "pool")) {
    checkNames("The mysql driver with a pool", options, ["pool", "table"]);
    const { table = "databank" } = options;
    return { table: tableName(table), pool: callbackPool(options.pool), isOwn: false };
  }
  checkNames("The mysql driver", options, NAMES);
  const given = withUrlOptions("A mysql URL", options, {
    table: "text",
    maxConnections: "number",
    ssl: "boolean",
    socketPath: "text",
  });
  const { url, table = "databank", maxConnections = 10, ssl = false, socketPath } = given;
  const server = serverOf(url);
  return {
    table: tableName(table),
    pool: {
      ...server,
      ...(socketPath === undefined ? {} : { socketPath: text("socketPath", socketPath) }),
      ...(flag("ssl", ssl) ? { ssl: {} } : {}),
      connectionLimit: wholeNumber("maxConnections", maxConnections, 1),
      charset: "utf8mb4",
      // Stack traces of who called cost more than the rest of a short call.
      trace: false,
    },
    isOwn: true,
  };
}

type Server = Pick<PoolConfig, "host" | "port" | "user" | "password" | "database">;

function serverOf(url: string): Server {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const database = parsed ? decoded(parsed.pathname.slice(1)) : "";
  if (!parsed?.hostname || database === "") {
    throw invalidOption(
      "A mysql URL must name a server and a database, such as mysql://user:password@localhost/shop",
    );
  }
  const [parameter] = parsed.searchParams.keys();
  if (parameter !== undefined) {
    checkNames("A mysql URL", { [parameter]: true }, [
      ...["table", "maxConnections", "ssl", "socketPath"],
      ...["timeoutMs", "maxPending"],
    ]);
  }
  return {
    // Brackets belong to the URL, not to the address.
    host: parsed.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: parsed.port === "" ? 3306 : Number(parsed.port),
    user: decoded(parsed.username),
    password: decoded(parsed.password),
    database,
  };
}

// The text itself is not shown: it may be a password.
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw invalidOption("A mysql URL must have its % written as %25", Object(cause).name);
  }
}

function callbackPool(given: MysqlPool | MysqlPromisePool): ClientPool {
  // A pool for promises is a wrapper of one for callbacks.
  const pool: unknown = Object(given).pool ?? given;
  if (
    typeof Object(pool).getConnection === "function" &&
    typeof Object(pool).promise === "function"
  ) {
    return pool as ClientPool;
  }
  throw invalidOption("pool must be a pool of the package mysql2, made by createPool");
}

const MAX_NAME_LENGTH = 64;

function tableName(table: unknown): string {
  const parts = text("table", table).split(".");
  const isValid = parts.every(
    (part) => part !== "" && part.length <= MAX_NAME_LENGTH && !/[\0?]/.test(part),
  );
  if (isValid && parts.length <= 2) return parts.map(identifier).join(".");
  throw invalidOption(
    'table must be the name of a table, or a database and a table, such as "web.sessions"',
  );
}
