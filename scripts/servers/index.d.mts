/** The name of a server: what it is called on the command line of `run.mjs` and in `startOwnServer`. */
export type ServerName =
  | "redis"
  | "redis-cluster"
  | "redis-sentinel"
  | "postgres"
  | "mariadb"
  | "mysql"
  | "mongodb"
  | "couchbase"
  | "memcached"
  | "dynamodb";

/** The names and environment variables of all servers. */
export const servers: readonly { readonly name: ServerName; readonly env: string }[];

/** The variable that hands the reasons for missing servers to the tests: a JSON object, reasons by variable. */
export const SKIPPED: "SERVERS_SKIPPED";

/** Where a line about the progress of a start goes. */
export type ServerLog = (line: string) => void;

/** Servers that run until `stop()`, or until this process has ended, however it ends. */
export interface RunningServers {
  /** URLs by environment variable: of what was started, and of what the environment had named before. */
  readonly urls: Readonly<Record<string, string>>;
  /** What could not be had, with the one line that says why. */
  readonly skipped: readonly {
    readonly name: ServerName;
    readonly env: string;
    readonly reason: string;
  }[];
  /** What tests need in their environment: `urls`, and `SERVERS_SKIPPED`. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends what was started, and only that, and removes its data. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts servers beside one another. One whose variable is set in `environment` is used as it is and never stopped; one that
 * cannot be had or does not start is skipped.
 */
export function startServers(options?: {
  /** Which ones. @default all */
  readonly names?: readonly string[] | undefined;
  /** Whether they write to disk before they answer. @default false */
  readonly durable?: boolean | undefined;
  readonly log?: ServerLog | undefined;
  /** @default process.env */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
}): Promise<RunningServers>;

/** A server of one's own, with its own port and data, for tests of outages. */
export interface OwnServer {
  readonly name: ServerName;
  readonly url: string;
  /** The folder with its data and its `server.log`. Gone after `close()`. */
  readonly folder: string;
  /** The pids of its running processes. Empty while it is stopped. */
  readonly pids: readonly number[];
  /**
   * After which end the data are still there at the next `start()`: "kill" means after `kill()` and `stop()`, "stop"
   * after `stop()` only, "nothing" after neither.
   */
  readonly keeps: "kill" | "stop" | "nothing";
  /** Starts it again, on the same port and data. Does nothing where it is running. */
  start(): Promise<void>;
  /** Ends it in order. Does nothing where it is not running. */
  stop(): Promise<void>;
  /** Ends it at once: kill -9. Does nothing where it is not running. */
  kill(): Promise<void>;
  /** Stops it in its tracks: its connections stay open, and nothing answers until `resume()`. */
  pause(): Promise<void>;
  /** Lets a paused server go on. */
  resume(): Promise<void>;
  /** Ends it and removes its data. Safe to call twice. */
  close(): Promise<void>;
}

/** One of several Redis servers that belong together. */
export interface RedisNode {
  readonly name: string;
  readonly port: number;
  readonly url: string;
  /** Null while it is stopped. */
  readonly pid: number | null;
  /** Sends one command, of words without spaces, and resolves to its answer. */
  command(...words: readonly (string | number)[]): Promise<string>;
  isMaster(): Promise<boolean>;
  start(): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
}

/** One server of a cluster. */
export interface ClusterNode extends RedisNode {
  /** Makes this replica the master, in order: its master hands over. Resolves when it has. */
  failover(): Promise<void>;
}

/** A Redis Cluster of three masters with a replica each. `start`, `stop`, `kill` … are for all of them. */
export interface OwnRedisCluster extends OwnServer {
  /** All six. Who is master changes. */
  readonly nodes: readonly ClusterNode[];
  /** Resolves to the node that answers for a key. */
  masterOf(key: string): Promise<ClusterNode | undefined>;
  /** Resolves to a replica of a node. */
  replicaOf(node: ClusterNode): Promise<ClusterNode | undefined>;
  /** Resolves when all six are there, agree with one another, and the replicas follow their masters. */
  untilWhole(): Promise<void>;
}

/** A Redis with a replica, and a sentinel, where the URL leads to, that watches over them. */
export interface OwnRedisSentinel extends OwnServer {
  /** What the sentinel calls them. */
  readonly group: string;
  /** Both. Who is master changes. */
  readonly nodes: readonly RedisNode[];
}

/** The vendor's test server, with the faults that it can imitate. */
export interface OwnCouchbase extends OwnServer {
  /**
   * Has it misbehave, in its own words: `hiccup` (`msecs`, `offset`), `opfail` (`code`, `count`), `truncate` (`limit`), or
   * lets its time pass: `time_travel` (`Offset`, in seconds).
   */
  control(command: string, parameters?: Readonly<Record<string, number | string>>): Promise<void>;
}

/** What `startOwnServer` gives for a name. */
export type OwnServerOf<Name extends ServerName> = Name extends "redis-cluster"
  ? OwnRedisCluster
  : Name extends "redis-sentinel"
    ? OwnRedisSentinel
    : Name extends "couchbase"
      ? OwnCouchbase
      : OwnServer;

/** What a server of one's own can be told. */
export interface OwnServerOptions {
  /** Whether it writes to disk before it answers. @default true */
  readonly durable?: boolean | undefined;
  readonly log?: ServerLog | undefined;
  /** The key and the certificate of a `redis-cluster` that is to be reached by TLS. */
  readonly tls?: { readonly key: string; readonly cert: string } | undefined;
}

/** The message says, on one line, why this machine cannot have a server. */
export class Unavailable extends Error {}

/**
 * Starts a server of one's own and resolves when it answers.
 * @throws Unavailable where this machine cannot have it
 */
export function startOwnServer<Name extends ServerName>(
  name: Name,
  options?: OwnServerOptions,
): Promise<OwnServerOf<Name>>;
