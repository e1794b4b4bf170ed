import { setTimeout as delay } from "node:timers/promises";
import { retryAfter } from "./batch-queue.js";
import type { CorruptReport, Driver, Schema } from "./driver.js";
import { AlreadyConnectedError, NotConnectedError, timedOut, toDatabankError } from "./errors.js";
import type { DriverOptions } from "./registry.js";

/** Where a databank gets its driver from. */
export interface DriverSource {
  readonly name: string;
  /** The driver, where there is one from the beginning. */
  readonly driver?: Driver;
  /**
   * Makes the driver, the first time that it is needed and again for each explicit `connect` after
   * that.
   *
   * @param params - What the program gave to `connect`.
   */
  load(params: DriverOptions): Driver | Promise<Driver>;
}

/** How a connection begins, and how long it may take. */
export interface ConnectionOptions {
  /** Whether the program has to call `connect`; else the first call connects. */
  readonly isExplicit: boolean;
  readonly timeoutMs: number;
  schema(): Schema;
  readonly onCorrupt: (report: CorruptReport) => void;
}

// A server that takes connections and never answers must not be waited for until the end of the
// process. Making the indexes of a large table may well take longer than a call.
const MIN_ATTEMPT_MS = 30_000;
const MAX_CALL_ATTEMPTS = 6;

/**
 * A databank's connection: whether there is one, and how to come by it.
 *
 * - `closed`: calls fail until someone connects explicitly.
 * - `idle`: the next call connects.
 * - `connecting`: everyone waits for the same attempt.
 * - `connected`, `disconnecting`: there is a driver. While disconnecting, it finishes what was
 *   asked before.
 */
export class Connection {
  readonly #source: DriverSource;
  readonly #options: ConnectionOptions;
  #state: "closed" | "idle" | "connecting" | "connected" | "disconnecting";
  #driver: Driver | undefined;
  #attempt: Promise<Driver> | undefined;
  #disconnecting: Promise<void> | undefined;
  #isClaimed = false;
  readonly #running = new Set<Promise<unknown>>();
  // Tells an attempt that has been given up from the one that counts.
  #epoch = 0;

  constructor(source: DriverSource, options: ConnectionOptions) {
    this.#source = source;
    this.#options = options;
    this.#state = options.isExplicit ? "closed" : "idle";
  }

  /** The driver, once it has been made. */
  get driver(): Driver | undefined {
    return this.#driver ?? this.#source.driver;
  }

  /** @throws NotConnectedError when calls can only fail. */
  check(): void {
    if (this.#state === "closed" || this.#state === "disconnecting") throw new NotConnectedError();
  }

  /**
   * The driver, connected; at once where it is.
   *
   * @throws NotConnectedError before an explicit `connect` where one is needed, and after
   *   `disconnect`.
   */
  connected(): Driver | Promise<Driver> {
    if (this.#driver && (this.#state === "connected" || this.#state === "disconnecting")) {
      return this.#driver;
    }
    if (this.#state === "connecting" && this.#attempt !== undefined) return this.#attempt;
    this.check();
    return this.#connect(undefined);
  }

  /** Connects, or waits for an attempt under way. */
  async connect(params: DriverOptions): Promise<void> {
    while (this.#disconnecting !== undefined) await settled(this.#disconnecting);
    if (this.#isClaimed) throw new AlreadyConnectedError();
    if (!this.#isConnected) {
      const attempt = this.#state === "connecting" ? this.#attempt : undefined;
      await this.within(attempt ?? this.#connect(params));
      // Somebody has disconnected meanwhile.
      if (!this.#isConnected) throw new NotConnectedError();
    }
    this.#isClaimed = true;
  }

  get #isConnected(): boolean {
    return this.#state === "connected";
  }

  /**
   * Makes one call to the driver, outside the collector, in the time that a call may take.
   *
   * @throws NotConnectedError when calls can only fail.
   */
  async call<T>(task: (driver: Driver) => Promise<T>): Promise<T> {
    this.check();
    try {
      return await this.track(this.within(this.#call(task)));
    } catch (error) {
      throw toDatabankError(this.#source.name, error);
    }
  }

  /** Makes `disconnect` wait for something. */
  track<T>(running: Promise<T>): Promise<T> {
    this.#running.add(running);
    const leave = () => this.#running.delete(running);
    running.then(leave, leave);
    return running;
  }

  /** Lets the calls under way finish, for as long as one call may take, and disconnects. */
  disconnect(whenIdle: () => Promise<void>): Promise<void> {
    this.#disconnecting ??= this.#disconnect(whenIdle).finally(() => {
      this.#disconnecting = undefined;
    });
    return this.#disconnecting;
  }

  /** Fails after the time that one call may take; what was asked may still happen. */
  within<T>(promise: Promise<T>): Promise<T> {
    return withinMs(promise, this.#options.timeoutMs);
  }

  async #call<T>(task: (driver: Driver) => Promise<T>): Promise<T> {
    const driver = await this.connected();
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await task(driver);
      } catch (error) {
        if (attempt === MAX_CALL_ATTEMPTS || retryAfter(driver, error) !== "whole") throw error;
      }
      await delay(Math.random() * 5 * attempt);
    }
  }

  #connect(params: DriverOptions | undefined): Promise<Driver> {
    const before = this.#state;
    this.#epoch += 1;
    const epoch = this.#epoch;
    this.#state = "connecting";
    const limitMs = Math.max(MIN_ATTEMPT_MS, this.#options.timeoutMs);
    const attempt = withinMs(this.#open(params, epoch), limitMs).then(
      (driver) => {
        if (this.#epoch === epoch) this.#state = "connected";
        return driver;
      },
      (error: unknown) => {
        if (this.#epoch === epoch) {
          this.#epoch += 1;
          this.#state = before;
        }
        throw toDatabankError(this.#source.name, error);
      },
    );
    // Nobody may be waiting any more when it fails.
    attempt.catch(() => {});
    this.#attempt = attempt;
    return attempt;
  }

  async #open(params: DriverOptions | undefined, epoch: number): Promise<Driver> {
    const earlier = this.#driver;
    // Parameters change what the source makes. Without them the driver of the last attempt will do.
    const driver = (params ? undefined : earlier) ?? (await this.#source.load(params ?? {}));
    driver.onCorrupt = this.#options.onCorrupt;
    if (this.#epoch === epoch) {
      this.#driver = driver;
      if (earlier && earlier !== driver) await settled(earlier.disconnect());
    }
    await driver.connect(this.#options.schema());
    // Given up in the meantime: nobody else would close what this has opened.
    if (this.#epoch !== epoch && this.#driver !== driver) await driver.disconnect();
    return driver;
  }

  async #disconnect(whenIdle: () => Promise<void>): Promise<void> {
    if (this.#state === "closed") throw new NotConnectedError();
    if (this.#state === "connecting") await this.within(settled(this.#attempt)).catch(() => {});
    const driver = this.#driver;
    const isConnected = this.#state === "connected";
    this.#state = isConnected ? "disconnecting" : "closed";
    try {
      // What does not finish in time fails by itself.
      if (isConnected) {
        const idle = Promise.all([whenIdle(), Promise.allSettled(this.#running)]);
        await this.within(settled(idle)).catch(() => {});
      }
      await this.within(driver?.disconnect() ?? Promise.resolve());
    } catch (error) {
      throw toDatabankError(this.#source.name, error);
    } finally {
      this.#epoch += 1;
      this.#state = "closed";
      this.#isClaimed = false;
      this.#attempt = undefined;
      this.#driver = undefined;
    }
  }
}

async function settled(promise: Promise<unknown> | undefined): Promise<void> {
  await promise?.catch(() => {});
}

async function withinMs<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(timedOut(timeoutMs)), timeoutMs).unref();
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
