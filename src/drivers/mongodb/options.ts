import { checkNames, flag, invalidOption, isInsteadOfUrl, text } from "../../databank/options.js";
import { withUrlOptions } from "../driver-url.js";
import {
  type ClassicMongodbOptions,
  classicNames,
  isClassic,
  urlOfClassic,
} from "./classic-options.js";
import type { MongodbClient, MongodbDatabase } from "./client.js";

/** What the driver makes of a database. */
export interface MongodbIndexOptions {
  /**
   * Whether the driver makes the indexes that collections need, where they are missing. Without
   * it, somebody else has to: cleanups and searches look at each document otherwise.
   * @default true
   */
  readonly createIndexes?: boolean;
  /**
   * Whether the index on the deadline lets the server delete what expired an hour ago, beside the
   * databank's own cleanup. Some servers that only speak MongoDB's protocol refuse such an index.
   * @default true
   */
  readonly ttlIndex?: boolean;
}

/** A server to connect to, with a client that the driver makes and closes. */
export interface MongodbUrlOptions extends MongodbIndexOptions {
  /** `mongodb://` or `mongodb+srv://`; `createIndexes` and `ttlIndex` may be its parameters. */
  readonly url: string;
  /**
   * The database.
   * @default the one that the URL names, else `test`
   */
  readonly database?: string;
  /**
   * Options of `MongoClient` that a URL cannot hold. What they say holds before the URL.
   * @default { serverSelectionTimeoutMS: 4000 }, unless the URL has another
   */
  readonly clientOptions?: Readonly<Record<string, unknown>>;
}

/** A client of the program, which is never closed. */
export interface MongodbClientOptions extends MongodbIndexOptions {
  /** A `MongoClient`. */
  readonly client: MongodbClient;
  /**
   * The database.
   * @default the one of the client's URL, else `test`
   */
  readonly database?: string;
}

/** A database of the program, whose client is never closed. */
export interface MongodbDatabaseOptions extends MongodbIndexOptions {
  /** A `Db` of the package mongodb. */
  readonly db: MongodbDatabase;
}

/** Options of {@link mongodbDriver}. */
export type MongodbOptions =
  | MongodbUrlOptions
  | MongodbClientOptions
  | MongodbDatabaseOptions
  | ClassicMongodbOptions;

/** Options, checked and complete. One of `db`, `client` and `url` is there. */
export interface Settings {
  readonly db: MongodbDatabase | undefined;
  readonly client: MongodbClient | undefined;
  readonly url: string;
  readonly clientOptions: Readonly<Record<string, unknown>>;
  readonly database: string | undefined;
  readonly createIndexes: boolean;
  readonly ttlIndex: boolean;
}

const INDEX_NAMES = ["createIndexes", "ttlIndex"];

/** @throws DatabankError `DATABANK_INVALID_OPTION`. */
export function resolveOptions(options: MongodbOptions): Settings {
  if (isInsteadOfUrl(options, "db")) {
    checkNames("The mongodb driver with a database object", options, ["db", ...INDEX_NAMES]);
    return settings({ db: methodsOf("db", options.db, ["collection", "command"]) }, options);
  }
  if (isInsteadOfUrl(options, "client")) {
    const names = ["client", "database", ...INDEX_NAMES];
    checkNames("The mongodb driver with a client object", options, names);
    return settings({ client: methodsOf("client", options.client, ["db"]) }, options);
  }
  if (isClassic(options)) {
    checkNames("The mongodb driver", options, [...classicNames, ...INDEX_NAMES]);
    const { checkSchema = true, dbname } = options;
    const classic = { createIndexes: flag("checkSchema", checkSchema), ...options };
    return settings({ url: urlOfClassic(options) }, { ...classic, database: dbname ?? "test" });
  }
  const names = ["url", "database", "clientOptions", ...INDEX_NAMES];
  checkNames("The mongodb driver", options, names);
  const given = withUrlOptions("A mongodb URL", options, {
    createIndexes: "boolean",
    ttlIndex: "boolean",
  });
  const { url, clientOptions = {} } = given;
  if (typeof clientOptions !== "object" || clientOptions === null) {
    throw invalidOption("clientOptions must be an object with options of MongoClient");
  }
  return settings({ url, clientOptions }, given);
}

function settings(
  from: Partial<Settings>,
  options: MongodbIndexOptions & { readonly database?: string },
): Settings {
  const { createIndexes = true, ttlIndex = true, database } = options;
  return {
    db: undefined,
    client: undefined,
    url: "",
    clientOptions: {},
    ...from,
    database: database === undefined ? undefined : text("database", database),
    createIndexes: flag("createIndexes", createIndexes),
    ttlIndex: flag("ttlIndex", ttlIndex),
  };
}

function methodsOf<T extends object>(name: string, value: T, methods: readonly string[]): T {
  if (methods.every((method) => typeof Reflect.get(Object(value), method) === "function")) {
    return value;
  }
  throw invalidOption(
    `${name} must be an object of the package mongodb, with ${methods.join(", ")}`,
  );
}
