import { invalidOption } from "../../databank/options.js";
import {
  type Connection,
  listenTo,
  offline,
  retryDelay,
  type Server,
  withoutCommand,
} from "./connection.js";
import type { Target } from "./options.js";

/** The methods that we need of a client of the package `ioredis`, or of its fork `iovalkey`. */
interface IoredisClient {
  readonly status: string;
  readonly isCluster?: boolean;
  readonly options: {
    readonly keyPrefix?: unknown;
    readonly scaleReads?: unknown;
    readonly host?: string;
    readonly port?: number;
  };
  call(...args: readonly string[]): Promise<unknown>;
  nodes?(role: "master"): readonly IoredisClient[];
  /** Of a cluster: for each slot the addresses of its servers, the master's first. */
  readonly slots?: readonly (readonly string[])[];
  refreshSlotsCache?(): void;
  on(event: string, listener: (error?: unknown) => void): unknown;
  off(event: string, listener: (error?: unknown) => void): unknown;
  connect(): Promise<unknown>;
  disconnect(): void;
}

/** What we use of the package `ioredis`. */
export interface IoredisPackage {
  new (options: object): IoredisClient;
  readonly Cluster: new (servers: readonly object[], options: object) => IoredisClient;
}

const CONNECT_TIMEOUT_MS = 5000;
/** After so long without an answer the server is taken for dead. */
const SOCKET_TIMEOUT_MS = 15_000;

/** Whether an object looks like a client of the package `ioredis`. */
export function isIoredis(client: object): client is IoredisClient {
  const call: unknown = Reflect.get(client, "call");
  const status: unknown = Reflect.get(client, "status");
  return typeof call === "function" && typeof status === "string";
}

/** A connection over a client of the caller. */
export function useIoredis(client: IoredisClient): Connection {
  const { scaleReads } = client.options;
  if (client.isCluster && scaleReads !== undefined && scaleReads !== "master") {
    // A replica lags behind: it would show a session that has been logged out.
    throw invalidOption('The Redis client that was passed in must have scaleReads: "master"');
  }
  const listening = listenTo(client);
  return connectionOver(client, listening.address, listening.stop);
}

/** Opens a client of our own; rejects where no server answers. */
export async function openIoredis(Redis: IoredisPackage, target: Target): Promise<Connection> {
  let isConnected = false;
  // The first attempt is made once: the databank makes the next.
  const retry = (times: number) => (isConnected ? retryDelay(times) : null);
  const settings = {
    username: target.username,
    password: target.password,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    ...(target.isTls && { tls: {} }),
  };
  const client = target.isCluster
    ? new Redis.Cluster(target.servers, {
        lazyConnect: true,
        redisOptions: settings,
        clusterRetryStrategy: retry,
        // Else it asks for an address first, and no certificate is good for that.
        ...(target.isTls && { dnsLookup: asItIs }),
      })
    : new Redis({
        ...settings,
        ...target.servers[0],
        db: target.database,
        lazyConnect: true,
        enableOfflineQueue: false,
        // What was under way when a connection was lost has failed.
        autoResendUnfulfilledCommands: false,
        retryStrategy: retry,
        // The server has become a replica: the name may lead to another master.
        reconnectOnError: (error: Error) => error.message.startsWith("READONLY"),
      });
  // Its listener for errors stays: some come after the end.
  const { address, lastError } = listenTo(client);
  const close = () => client.disconnect();
  try {
    await client.connect();
  } catch (error) {
    close();
    // The error itself says only that there is no connection.
    throw withoutCommand(lastError() ?? error);
  }
  isConnected = true;
  return connectionOver(client, address, close);
}

// In small letters: else iovalkey and ioredis 5 do not know which arguments are keys, which they
// need to put a prefix before them, and to find the server of a cluster that has them.
function call(client: IoredisClient, [name = "", ...args]: readonly string[]): Promise<unknown> {
  return client.call(name.toLowerCase(), ...args);
}

type Looked = (error: null, address: string) => void;

function asItIs(host: string, callback: Looked): void {
  callback(null, host);
}

function connectionOver(
  client: IoredisClient,
  address: () => string,
  close: () => void,
): Connection {
  const { keyPrefix } = client.options;
  const send = (args: readonly string[]) => call(client, args);
  return {
    keyPrefix: typeof keyPrefix === "string" ? keyPrefix : "",
    send: (_key, args) => send(args),
    servers: () => mastersOf(client) ?? [{ address: address(), send }],
    // One that waits connects with its first command.
    isReady: () => client.status === "ready" || client.status === "wait",
    close,
  };
}

/**
 * The masters of a cluster, also those that are away: the client forgets the node of one whose
 * connection has broken, but not which slots it has.
 */
function mastersOf(client: IoredisClient): readonly Server[] | undefined {
  if (!client.nodes) return undefined;
  const addresses = new Set((client.slots ?? []).flatMap(([master]) => master ?? []));
  return [...addresses].map((address) => ({
    address,
    async send(args) {
      const node = client.nodes?.("master").find((each) => addressOf(each) === address);
      if (node) return call(node, args);
      client.refreshSlotsCache?.();
      throw offline();
    },
  }));
}

function addressOf({ options }: IoredisClient): string {
  return `${options.host}:${options.port}`;
}
