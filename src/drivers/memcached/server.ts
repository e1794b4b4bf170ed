import { type Address, Link } from "./link.js";

/** How long after a failure the next attempt to connect may begin, in milliseconds. */
const PAUSE_MS = 100;

/** One memcached, with a connection whenever there can be one. */
export class Server {
  readonly #address: Address;
  #link: Link | undefined;
  #attempt: Promise<Link> | undefined;
  #failure: unknown;
  #failedAt = Number.NEGATIVE_INFINITY;

  constructor(address: Address) {
    this.#address = address;
  }

  /** The open connection, or the one that is being made; right after a failure, that failure. */
  async link(): Promise<Link> {
    if (this.#link?.isOpen) return this.#link;
    if (performance.now() - this.#failedAt < PAUSE_MS) throw this.#failure;
    this.#attempt ??= this.#open().finally(() => {
      this.#attempt = undefined;
    });
    return this.#attempt;
  }

  /** Closes the connection; the next call makes another. */
  async close(): Promise<void> {
    const link = await this.#attempt?.catch(() => undefined);
    await (link ?? this.#link)?.close();
    this.#link = undefined;
    this.#failedAt = Number.NEGATIVE_INFINITY;
  }

  async #open(): Promise<Link> {
    try {
      this.#link = await Link.open(this.#address);
      return this.#link;
    } catch (error) {
      this.#failure = error;
      this.#failedAt = performance.now();
      throw error;
    }
  }
}
