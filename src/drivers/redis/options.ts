import {
  checkNames,
  invalidOption,
  isInsteadOfUrl,
  text,
  wholeNumber,
  withoutUndefined,
} from "../../databank/options.js";
import { isIoredis } from "./ioredis.js";
import { isCluster, isNodeRedis } from "./node-redis.js";

/** How to reach Redis or Valkey: by a URL, by a host and a port, or by a client of yours. */
export type RedisOptions = RedisUrlOptions | RedisHostOptions | RedisClientOptions;

/** What goes with any way to reach the server. */
interface CommonOptions {
  /**
   * Stands before every key, so that several programs can share a server.
   * @default ""
   */
  readonly prefix?: string;
  /** Ignored; programs of the first generation pass it. */
  readonly checkIndices?: boolean;
}

/** The name of a client package. */
export type PackageName = "redis" | "ioredis";

interface OwnClientOptions extends CommonOptions {
  /**
   * Which package opens the connection.
   * @default `redis` where it is installed, else `ioredis`
   */
  readonly package?: PackageName;
}

/** A server, or a cluster, that the driver connects to. */
export interface RedisUrlOptions extends OwnClientOptions {
  /**
   * `redis://user:password@host:6379/0`, `rediss://` for TLS, `valkey://` and `valkeys://`
   * likewise; for a cluster `redis+cluster://host1:6379,host2:6379` or `rediss+cluster://`.
   * `prefix` and `package` may be its parameters: `redis://host?prefix=shop:`.
   */
  readonly url: string;
}

/** A server in place of a URL, as in the first generation. */
export interface RedisHostOptions extends OwnClientOptions {
  /** @default "127.0.0.1" */
  readonly host?: string;
  /**
   * From 1 to 65535.
   * @default 6379
   */
  readonly port?: number;
  /**
   * The number of the database, from 0.
   * @default 0
   */
  readonly database?: number;
}

/** A client of yours. It is never closed, and none of its settings is changed. */
export interface RedisClientOptions extends CommonOptions {
  /**
   * Of the package `redis` (a cluster, a pool or a sentinel too; connected), `ioredis` or
   * `iovalkey`.
   */
  readonly client: object;
}

/** Where a server, or some servers of a cluster, are, and how to log in. */
export interface Target {
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  readonly isCluster: boolean;
  readonly isTls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
}

/** Options, checked and complete. */
export interface Settings {
  readonly prefix: string;
  readonly client: object | undefined;
  readonly packageName: PackageName | undefined;
  /** Where to connect to without a client. */
  readonly target: Target;
  readonly isCluster: boolean;
}

const URL_NAMES = ["prefix", "package"];
const HOST_NAMES = ["host", "port", "database"];
const PORT = 6379;

// By hand, because a standard URL has one host, and because its errors repeat the password.
const URL_PARTS =
  /^(redis|rediss|valkey|valkeys)(\+cluster)?:\/\/(?:([^/?#@]*)@)?([^/?#@]*)(?:\/([^/?#]*))?(?:\?([^#]*))?$/i;
const SENTINEL_URL = /^[a-z]+\+sentinel:/i;
const HOST_AND_PORT = /^(\[[0-9a-f:.]+\]|[^:[\]]*)(?::(\d+))?$/i;

/** @throws DatabankError `DATABANK_INVALID_OPTION`. */
export function resolveOptions(options: RedisOptions): Settings {
  if (isInsteadOfUrl(options, "client")) {
    checkNames("The redis driver with a client", options, ["client", "prefix", "checkIndices"]);
    const { client, prefix } = options;
    const isCluster = isClusterClient(client);
    return { ...common({ prefix }), client, target: targetOf({}), isCluster };
  }
  checkNames("The redis driver", options, [
    "url",
    "client",
    "checkIndices",
    ...URL_NAMES,
    ...HOST_NAMES,
  ]);
  if (!("url" in options) || options.url === undefined) {
    return { ...common(options), client: undefined, target: targetOf(options), isCluster: false };
  }
  const both = HOST_NAMES.find((name) => Object(options)[name] !== undefined);
  if (both) throw invalidOption(`Give the redis driver either a url or a ${both}, not both`);
  const { target, parameters } = parseUrl(text("url", options.url));
  const { isCluster } = target;
  return {
    ...common({ ...parameters, ...withoutUndefined(options) }),
    client: undefined,
    target,
    isCluster,
  };
}

function common(options: { readonly prefix?: unknown; readonly package?: unknown }) {
  const { prefix = "", package: packageName } = options;
  if (typeof prefix !== "string") throw invalidOption("prefix must be a text");
  if (packageName !== undefined && packageName !== "redis" && packageName !== "ioredis") {
    throw invalidOption('package must be "redis" or "ioredis"');
  }
  return { prefix, packageName } as const;
}

function isClusterClient(client: unknown): boolean {
  if (typeof client === "object" && client !== null) {
    if (isIoredis(client)) return client.isCluster === true;
    if (isNodeRedis(client)) return isCluster(client);
  }
  throw invalidOption("client must be a client of the package redis, ioredis or iovalkey");
}

function targetOf({ host = "127.0.0.1", port = PORT, database = 0 }: RedisHostOptions): Target {
  return {
    servers: [{ host: text("host", host), port: wholeNumber("port", port, 1, 65_535) }],
    isCluster: false,
    isTls: false,
    username: undefined,
    password: undefined,
    database: wholeNumber("database", database),
  };
}

/** @throws DatabankError `DATABANK_INVALID_OPTION`, without the URL. */
function parseUrl(url: string): { target: Target; parameters: Record<string, string> } {
  if (SENTINEL_URL.test(url)) {
    throw invalidOption(
      "No Redis URL names sentinels; pass a client instead: createSentinel() of redis, or ioredis with sentinels",
    );
  }
  const parts = URL_PARTS.exec(url);
  if (!parts) throw notRedis();
  const [, scheme = "", kind, login = "", hosts = "", number = "", query = ""] = parts;
  const parameters = Object.fromEntries(new URLSearchParams(query));
  // It is the rest of a password with a question mark, which must not get into a message.
  if (login === "" && Object.keys(parameters).some(isStrange) && query.includes("@")) {
    throw notRedis();
  }
  checkNames("A Redis URL", parameters, URL_NAMES);
  const isCluster = kind !== undefined;
  if (!/^\d*$/.test(number)) {
    throw invalidOption("The database in a Redis URL must be a number, such as redis://host/0");
  }
  if (isCluster && Number(number) !== 0) throw invalidOption("A cluster has only database 0");
  const separator = login.indexOf(":");
  const [username, password] =
    separator === -1 ? [login, ""] : [login.slice(0, separator), login.slice(separator + 1)];
  const target = {
    servers: serversIn(hosts, isCluster),
    isCluster,
    isTls: /^(?:rediss|valkeys)$/i.test(scheme),
    username: decode(username) || undefined,
    password: decode(password) || undefined,
    database: Number(number),
  };
  return { target, parameters };
}

function notRedis() {
  return invalidOption(
    "A Redis URL looks like redis://user:password@host:6379/0, with what is special in the password as %40 and so on",
  );
}

function isStrange(parameter: string): boolean {
  return !URL_NAMES.includes(parameter);
}

function serversIn(hosts: string, isCluster: boolean): Target["servers"] {
  const names = hosts.split(",");
  if (names.length > 1 && !isCluster) {
    throw invalidOption("A Redis URL with several hosts must begin with redis+cluster://");
  }
  return names.map((name) => {
    const [, host = "", port] = HOST_AND_PORT.exec(name) ?? [];
    if (host === "" && name !== "") throw invalidOption("A Redis URL names hosts as host:port");
    return {
      host: host.replace(/^\[|\]$/g, "") || "127.0.0.1",
      port: wholeNumber("The port in a Redis URL", Number(port ?? PORT), 1, 65_535),
    };
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidOption("A Redis URL must have its % written as %25");
  }
}
