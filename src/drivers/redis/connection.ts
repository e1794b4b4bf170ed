import { setTimeout as delay } from "node:timers/promises";
import { DatabankError } from "../../databank/errors.js";

/** One server that holds entries: the only one, or a master of a cluster. */
export interface Server {
  /** Tells it from others, and from itself before it was connected to again. */
  readonly address: string;
  send(args: readonly string[]): Promise<unknown>;
}

/** What this driver needs of a client, whichever it is. */
export interface Connection {
  /** What the client puts before keys by itself, though not before patterns. */
  readonly keyPrefix: string;
  /** Sends a command to the server that holds `key`. */
  send(key: string, args: readonly string[]): Promise<unknown>;
  /** The servers that together hold all entries, each of them one part. */
  servers(): readonly Server[];
  /** Whether a command would be sent now, as far as the client knows. */
  isReady(): boolean;
  /** Connects again, to the master that the name may lead to by now. */
  reconnect?(): void;
  /** Ends a client of our own, and leaves any other as it was. */
  close(): void;
}

/** A client of any kind, for what is the same of all of them. */
interface Emitter {
  on(event: string, listener: (error?: unknown) => void): unknown;
  off(event: string, listener: (error?: unknown) => void): unknown;
}

/** How long a command waits for a connection that has been lost, in milliseconds. */
const PATIENCE_MS = 1500;
const PAUSE_MS = 25;

const MAX_RETRY_DELAY_MS = 1000;

/** What clients and servers say while there is no connection, or a cluster votes: nothing was done. */
const REFUSED =
  /^(?:Redis is out of reach|The client is offline|Stream isn't writeable|CLUSTERDOWN|LOADING|TRYAGAIN|MASTERDOWN)/;

/**
 * A connection that bears short breaks: what could not be sent is sent again for a while. So
 * nothing queues up in the client, to be carried out long after the caller was told that it failed.
 */
export function patiently(connection: Connection): Connection {
  let pause: Promise<void> | undefined;

  function patient(send: () => Promise<unknown>): Promise<unknown> {
    if (!connection.isReady()) return sendLater(send, offline());
    return send().catch((error: unknown) => sendLater(send, error));
  }

  async function sendLater(send: () => Promise<unknown>, error: unknown): Promise<unknown> {
    let refusal = withoutCommand(error);
    const until = performance.now() + PATIENCE_MS;
    // A replica refuses writes, which the server was when it was connected to, or is by now.
    const isReplica = () => connection.reconnect !== undefined && isReply(refusal, "READONLY");
    while ((REFUSED.test(refusal.message) || isReplica()) && performance.now() < until) {
      if (isReplica()) connection.reconnect?.();
      // One timer for all that wait.
      pause ??= delay(PAUSE_MS, undefined, { ref: false }).then(() => {
        pause = undefined;
      });
      await pause;
      try {
        if (connection.isReady()) return await send();
      } catch (next) {
        refusal = withoutCommand(next);
      }
    }
    throw refusal;
  }

  return {
    ...connection,
    send: (key, args) => patient(() => connection.send(key, args)),
    servers: () =>
      connection.servers().map(({ address, send }) => ({
        address,
        send: (args) => patient(() => send(args)),
      })),
  };
}

/** What to throw where nothing can be sent now: the call is made again for a while. */
export function offline(): Error {
  return new DatabankError("Redis is out of reach: its client has no connection");
}

/** Listens to errors, which would end the process if nobody did, and to new connections. */
export function listenTo(client: Emitter) {
  let connections = 0;
  let lastError: unknown;
  const note = (error: unknown) => {
    lastError = error;
  };
  const count = () => {
    connections += 1;
  };
  client.on("error", note);
  client.on("ready", count);
  return {
    /** Another one whenever there is a new connection, because cursors do not outlast a server. */
    address: () => `connection-${connections}`,
    lastError: () => lastError,
    stop() {
      client.off("error", note);
      client.off("ready", count);
    },
  };
}

/** How long to wait before connecting again, in milliseconds; random, so that not all come at once. */
export function retryDelay(retries: number): number {
  return Math.min(2 ** Math.min(retries, 10) * 25, MAX_RETRY_DELAY_MS) + Math.random() * 25;
}

/** Whether an error is a server's answer that begins with this code. */
export function isReply(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(`${code} `);
}

/**
 * The error without what clients hang on to it: ioredis adds the command, with ids and values, and
 * errors reach logs.
 */
export function withoutCommand(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  Reflect.deleteProperty(error, "command");
  // Of a cluster that cannot be reached, where the command is the one that logs in.
  const { lastNodeError } = Object(error);
  if (lastNodeError instanceof Error) withoutCommand(lastNodeError);
  return error;
}
