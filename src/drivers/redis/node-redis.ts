import { setTimeout as delay } from "node:timers/promises";
import { DatabankError } from "../../databank/errors.js";
import { type Connection, listenTo, retryDelay, type Server } from "./connection.js";
import type { Target } from "./options.js";
import { Silence } from "./silence.js";

/** The methods that we need of every kind of client of the package `redis`. */
interface NodeRedisClient {
  readonly isOpen: boolean;
  /** Not of clusters before version 6. */
  readonly isReady?: boolean;
  on(event: string, listener: (error?: unknown) => void): unknown;
  off(event: string, listener: (error?: unknown) => void): unknown;
  connect(): Promise<unknown>;
  destroy(): unknown;
  withCommandOptions?(options: object): this;
}

interface SingleClient extends NodeRedisClient {
  sendCommand(args: readonly string[]): Promise<unknown>;
}

interface SentinelClient extends NodeRedisClient {
  sendCommand(isReadonly: boolean, args: readonly string[]): Promise<unknown>;
}

interface ClusterNode {
  readonly address: string;
}

interface ClusterClient extends NodeRedisClient {
  readonly masters: readonly ClusterNode[];
  nodeClient(node: ClusterNode): SingleClient | Promise<SingleClient>;
  sendCommand(
    key: string | undefined,
    isReadonly: boolean,
    args: readonly string[],
  ): Promise<unknown>;
}

type AnyClient = SingleClient | SentinelClient | ClusterClient;

/** What we use of the package `redis`. */
export interface NodeRedisPackage {
  createClient(options: object): SingleClient;
  createCluster(options: object): ClusterClient;
}

const CONNECT_TIMEOUT_MS = 5000;
const PING_INTERVAL_MS = 10_000;
/** After so long without an answer the server is taken for dead, and what it was asked has failed. */
const SILENCE_MS = 10_000;
/** The same where nothing more is asked, such as the way to a replica. */
const SOCKET_TIMEOUT_MS = 15_000;
const REDISCOVER_AFTER_MS = 500;
const RECONNECT_AFTER_MS = 500;

// The package makes an AbortSignal for each command that has a time-out, which costs more than half
// of the throughput. The databank has one timer for all calls.
const COMMAND_OPTIONS = { timeout: 0 };

/** Whether an object looks like a client of the package `redis`. */
export function isNodeRedis(client: object): client is AnyClient {
  return has(client, "sendCommand") && has(client, "on") && "isOpen" in client;
}

/** Whether a client of the package `redis` is one of a cluster. */
export function isCluster(client: AnyClient): client is ClusterClient {
  return has(client, "nodeClient");
}

/** A connection over a client of the caller. */
export function useNodeRedis(client: AnyClient): Connection {
  if (!client.isOpen) {
    throw new DatabankError(
      "The Redis client that was passed in is not open; call its connect() first",
    );
  }
  // What the caller has set for replies, such as buffers for texts, is not for us.
  const plain = client.withCommandOptions?.({ ...COMMAND_OPTIONS, typeMapping: {} }) ?? client;
  const listening = listenTo(client);
  return connectionOver(plain, listening.address, listening.stop);
}

/** Opens a client of our own; rejects where no server answers. */
export async function openNodeRedis(
  { createClient, createCluster }: NodeRedisPackage,
  target: Target,
): Promise<Connection> {
  let isConnected = false;
  const settings = {
    username: target.username,
    password: target.password,
    pingInterval: PING_INTERVAL_MS,
    disableOfflineQueue: true,
    commandOptions: COMMAND_OPTIONS,
  };
  const socket = {
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    ...(target.isTls && { tls: true }),
    // The first attempt is made once: the databank makes the next.
    reconnectStrategy: (retries: number) => isConnected && retryDelay(retries),
  };
  const client = target.isCluster
    ? createCluster({
        rootNodes: target.servers.map((server) => ({ socket: { ...socket, ...server } })),
        defaults: { ...settings, socket },
        commandOptions: COMMAND_OPTIONS,
        topologyRefreshOnReconnectionAttemptStrategy: REDISCOVER_AFTER_MS,
      })
    : createClient({
        ...settings,
        database: target.database,
        socket: { ...socket, ...target.servers[0] },
      });
  const listening = listenTo(client);
  const { reconnect, stop } = reconnecting(client);
  // The listener for errors stays: some come after the end.
  const close = () => {
    stop();
    if (client.isOpen) client.destroy();
  };
  try {
    await client.connect();
  } catch (error) {
    close();
    throw error;
  }
  isConnected = true;
  const connection = unlessSilent(connectionOver(client, listening.address, close), reconnect);
  // The client of a cluster finds out by itself who is master.
  return target.isCluster ? connection : { ...connection, reconnect };
}

/** Connects again unless that is going on, or was done just now. Until it has, the client is not ready. */
function reconnecting(client: AnyClient): { reconnect(): void; stop(): void } {
  let last = Number.NEGATIVE_INFINITY;
  let isStopped = false;
  // One server's client goes on by itself, a cluster's does not.
  const connect = async (): Promise<void> => {
    for (let retries = 0; !isStopped; retries += 1) {
      try {
        await client.connect();
        return;
      } catch {
        await delay(retryDelay(retries), undefined, { ref: false });
      }
    }
  };
  return {
    reconnect() {
      const now = performance.now();
      if (!isReady(client) || now - last < RECONNECT_AFTER_MS) return;
      last = now;
      client.destroy();
      void connect();
    },
    stop() {
      isStopped = true;
    },
  };
}

/** A connection that is made again when the server has not answered for long. */
function unlessSilent(connection: Connection, reconnect: () => void): Connection {
  const silence = new Silence(SILENCE_MS, reconnect);
  return {
    ...connection,
    send: (key, args) => silence.until(connection.send(key, args)),
    servers: () =>
      connection.servers().map(({ address, send }) => ({
        address,
        send: (args) => silence.until(send(args)),
      })),
  };
}

function isReady(client: AnyClient): boolean {
  return client.isReady ?? client.isOpen;
}

function connectionOver(client: AnyClient, address: () => string, close: () => void): Connection {
  if (isCluster(client)) {
    return {
      keyPrefix: "",
      send: (key, args) => client.sendCommand(key, false, args),
      servers: () => client.masters.map((node) => serverOf(client, node)),
      isReady: () => isReady(client),
      close,
    };
  }
  const send = isSentinel(client)
    ? overSentinel(client)
    : (args: readonly string[]) => client.sendCommand(args);
  return {
    keyPrefix: "",
    send: (_key, args) => send(args),
    servers: () => [{ address: address(), send }],
    isReady: () => isReady(client),
    close,
  };
}

/**
 * Begins with each command a moment after the one before. The client shares a connection among all
 * that are under way; but one that comes while the first of them is still being given it waits until
 * they are all done, which under load may be very long.
 */
function overSentinel(client: SentinelClient): (args: readonly string[]) => Promise<unknown> {
  let last: Promise<unknown> = Promise.resolve();
  return (args) => {
    // In an object, so that the next one waits for its beginning only.
    const begun = last.then(() => ({ reply: client.sendCommand(false, args) }));
    last = begun.catch(() => {});
    return begun.then(({ reply }) => reply);
  };
}

function serverOf(client: ClusterClient, node: ClusterNode): Server {
  return {
    address: node.address,
    send: async (args) => (await client.nodeClient(node)).sendCommand(args),
  };
}

function isSentinel(client: AnyClient): client is SentinelClient {
  return has(client, "getMasterNode");
}

function has(object: object, method: string): boolean {
  return typeof Reflect.get(object, method) === "function";
}
