import type { Connection } from "./connection.js";

/** How old a measurement may be before another is made beside the calls, in milliseconds. */
const RENEW_MS = 5000;
/** How old a measurement may be before calls wait for another, in milliseconds. */
const MAX_AGE_MS = 60_000;
/** How far our two clocks may part before one of them must have been set, in milliseconds. */
const MAX_STEP_MS = 100;

interface Measurement {
  readonly wall: number;
  readonly monotonic: number;
}

/**
 * How far the database's clock is ahead of ours.
 *
 * Deadlines are judged by the database alone, and this is how they are told to it and read from it.
 * A measurement gives a range, as wide as a round trip, in which the truth lies. The offset
 * changes only if it is outside: between clocks that agree it is 0, and deadlines come back exactly.
 */
export class ServerClock {
  readonly #connection: Connection;
  #offsetMs = 0;
  #last: Measurement | undefined;
  #measuring: Promise<number> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** In milliseconds; at once where the last measurement is recent. */
  offset(): number | Promise<number> {
    const age = this.#age();
    if (age > MAX_AGE_MS) return this.measure();
    // What is wrong will show in the calls themselves.
    if (age > RENEW_MS) this.measure().catch(() => {});
    return this.#offsetMs;
  }

  /** Asks the database for the time. Resolves to the offset. */
  measure(): Promise<number> {
    this.#measuring ??= this.#measure().finally(() => {
      this.#measuring = undefined;
    });
    return this.#measuring;
  }

  #age(): number {
    if (!this.#last) return Number.POSITIVE_INFINITY;
    const monotonic = performance.now() - this.#last.monotonic;
    const wall = Date.now() - this.#last.wall;
    // Our clock was set, or this computer slept.
    if (Math.abs(wall - monotonic) > MAX_STEP_MS) return Number.POSITIVE_INFINITY;
    return monotonic;
  }

  async #measure(): Promise<number> {
    const sent = Date.now();
    // Of a cluster any will do: Redis itself relies on its servers' clocks being alike. Not by the
    // list of servers, which a client that is still connecting does not have.
    const reply = await this.#connection.send("", ["TIME"]);
    const wall = Date.now();
    const [seconds, microseconds] = Array.isArray(reply) ? reply.map(Number) : [];
    const server = Number(seconds) * 1000 + Number(microseconds) / 1000;
    const isRight = this.#offsetMs >= server - wall - 1 && this.#offsetMs <= server - sent + 1;
    if (!isRight) this.#offsetMs = Math.round(server - (sent + wall) / 2);
    this.#last = { wall, monotonic: performance.now() };
    return this.#offsetMs;
  }
}
