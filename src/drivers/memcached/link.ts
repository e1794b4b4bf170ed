import { connect, type Socket } from "node:net";
import { DatabankError } from "../../databank/errors.js";
import { Recent } from "./recent.js";
import { refusal } from "./refusals.js";
import { type Reply, ReplyReader } from "./reply.js";

/** Where a server is. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const CONNECT_MS = 3000;
/** How long a server may say nothing while it owes an answer, in milliseconds. */
const SILENCE_MS = 5000;
const KEEP_ALIVE_MS = 30_000;
const CLOSE_MS = 1000;

/** Commands, one after another, each with its end of line. */
export interface Outgoing {
  readonly text: string;
  readonly count: number;
  readonly encoding: "latin1" | "utf8";
}

interface Waiting {
  left: number;
  readonly replies: Reply[];
  resolve(replies: readonly Reply[]): void;
  reject(error: Error): void;
}

/**
 * One connection to one server, from its beginning to its end. Commands are sent at once, without
 * waiting for the answers to earlier ones, which come in the same order.
 */
export class Link {
  /** What was seen over this connection. */
  readonly recent = new Recent();
  readonly #socket: Socket;
  readonly #name: string;
  readonly #waiting: Waiting[] = [];
  readonly #watch: NodeJS.Timeout;
  #heardAt = performance.now();
  #isClosing = false;
  #end: Error | undefined;

  /** Connects, and makes sure that the server knows the commands of this driver. */
  static async open(address: Address): Promise<Link> {
    const link = new Link(address);
    try {
      const [reply] = await link.send({ text: "mn\r\n", count: 1, encoding: "latin1" });
      if (reply?.code === "MN") return link;
      // Others have no room for one more connection, for instance.
      if (!isUnknown(reply)) throw refusal(reply);
      throw new DatabankError(
        `The server at ${link.#name} does not know the meta commands: the memcached driver needs memcached 1.6 without a password`,
        { cause: reply?.line },
      );
    } catch (error) {
      link.#socket.destroy();
      throw error;
    }
  }

  private constructor({ host, port }: Address) {
    this.#name = `${host}:${port}`;
    this.#socket = connect({ host, port, noDelay: true, keepAlive: true });
    this.#socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const reader = new ReplyReader((reply) => this.#take(reply));
    this.#socket.on("data", (chunk) => {
      this.#heardAt = performance.now();
      reader.add(chunk);
    });
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("close", () => this.#fail(this.#lost("was closed")));
    this.#watch = setInterval(() => this.#lookAtClock(), 500).unref();
  }

  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /** Sends commands, and resolves to as many replies in the same order. */
  send({ text, count, encoding }: Outgoing): Promise<readonly Reply[]> {
    return new Promise((resolve, reject) => {
      if (this.#end) {
        reject(this.#end);
        return;
      }
      if (this.#waiting.length === 0) this.#heardAt = performance.now();
      this.#waiting.push({ left: count, replies: [], resolve, reject });
      this.#socket.write(text, encoding);
    });
  }

  /** Closes the connection when the answers that are under way have come, or soon anyway. */
  async close(): Promise<void> {
    if (this.#socket.destroyed) return;
    const closed = new Promise((resolve) => this.#socket.once("close", resolve));
    this.#isClosing = true;
    if (this.#waiting.length === 0) this.#socket.destroy();
    const late = setTimeout(() => this.#socket.destroy(), CLOSE_MS);
    await closed;
    clearTimeout(late);
  }

  #take(reply: Reply): void {
    const [first] = this.#waiting;
    // Such an answer is about the line that was sent, and what counts as the next line is unknown.
    if (!first || isUnknown(reply)) {
      if (first && first.left + first.replies.length === 1) this.#finish(first, [reply]);
      this.#fail(this.#lost(`gave an answer that makes no sense: ${reply.line}`));
      this.#socket.destroy();
      return;
    }
    first.replies.push(reply);
    first.left -= 1;
    if (first.left === 0) this.#finish(first, first.replies);
  }

  #finish(first: Waiting, replies: readonly Reply[]): void {
    this.#waiting.shift();
    first.resolve(replies);
    if (this.#isClosing && this.#waiting.length === 0) this.#socket.destroy();
  }

  #lookAtClock(): void {
    const silentMs = performance.now() - this.#heardAt;
    const limitMs = this.#socket.connecting ? CONNECT_MS : SILENCE_MS;
    if (this.#waiting.length === 0 || silentMs < limitMs) return;
    this.#fail(this.#lost(`has not answered for ${limitMs} ms`));
    this.#socket.destroy();
  }

  #lost(what: string): Error {
    return new Error(`The connection to memcached at ${this.#name} ${what}`);
  }

  #fail(error: Error): void {
    this.#end ??= error;
    clearInterval(this.#watch);
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#end);
  }
}

/** Whether the server did not make sense of what it was sent. */
function isUnknown(reply: Reply | undefined): boolean {
  return reply?.line === "ERROR" || reply?.line.startsWith("CLIENT_ERROR") === true;
}
