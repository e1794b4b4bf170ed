import { setTimeout as delay } from "node:timers/promises";
import type { Answer } from "./answer.js";
import type { Driver, Method } from "./driver.js";
import { DatabankError, toDatabankError } from "./errors.js";
import type { Operation } from "./operation.js";

const MAX_BATCH = 256;
const MAX_IN_FLIGHT = 2;
const MAX_ATTEMPTS = 6;
/** After so many batches of a single call in a row, the next call need not wait for others. */
const ALONE_ENOUGH = 8;

/** Gives the driver: at once when it is connected, else when it is; rejects when it cannot be. */
export type Connected = () => Driver | Promise<Driver>;

/** What a driver gave for a batch: for each member what was asked for, or what went wrong. */
export type Results<R> = readonly (R | Error)[];

/** Calls a method of the driver with a whole batch. */
export type BatchCall<M, R> = (driver: Driver, members: readonly M[]) => Answer<Results<R>>;

/**
 * The calls of one method on one type: gathers those of a turn, sends them as one batch, and lets
 * the next ones gather while it is away.
 */
export class BatchQueue<M extends { readonly id: string }, R> {
  readonly #method: Method;
  readonly #connected: Connected;
  readonly #call: BatchCall<M, R>;
  #waiting: Operation<M, R>[] = [];
  #inFlight = 0;
  #isScheduled = false;
  #hasSentEarly = false;
  #alone = 0;
  #driver: Driver | undefined;
  #isImmediate = false;

  constructor(method: Method, connected: Connected, call: BatchCall<M, R>) {
    this.#method = method;
    this.#connected = connected;
    this.#call = call;
  }

  /**
   * Calls the driver for one member, if it is connected and wants to be called at once; else
   * returns `undefined`.
   */
  callAtOnce(member: M): Answer<Results<R>> | undefined {
    const driver = this.#isImmediate ? this.#driverNow() : undefined;
    if (!driver) return undefined;
    try {
      return this.#call(driver, [member]);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The result of one member of a batch. @throws DatabankError where it is an error. */
  resultIn(results: Results<R>, i = 0): R {
    const result = results[i];
    if (result !== undefined && !(result instanceof Error)) return result;
    const name = this.#driver?.name ?? "";
    throw result === undefined ? shortAnswer(name) : toDatabankError(name, result);
  }

  /**
   * Sends an operation with the next batch, or at once if the driver wants that.
   *
   * A batch goes out at the end of the turn, or when it is full, and one in a turn: while the
   * database works on it, this process works on the answers to another. Batches that went out
   * together would be answered together, and one side would always wait for the other.
   */
  add(operation: Operation<M, R>): void {
    if (this.#isImmediate) {
      this.adopt(operation, undefined);
      return;
    }
    this.#waiting.push(operation);
    if (this.#isAlone && this.#waiting.length === 1) {
      // A microtask of its own would cost several times as much.
      void Promise.resolve().then(() => this.#flush());
      return;
    }
    if (this.#waiting.length >= this.#maxBatch && !this.#hasSentEarly) {
      this.#hasSentEarly = true;
      this.#flush();
    }
    this.#schedule();
  }

  /** Whether waiting for the end of the turn would bring nobody else, as far as one can tell. */
  get #isAlone(): boolean {
    return this.#inFlight === 0 && this.#alone >= ALONE_ENOUGH;
  }

  /** Sends an operation alone; `answer` is the driver's, where it has been called already. */
  adopt(operation: Operation<M, R>, answer: Promise<Results<R>> | undefined): void {
    operation.send();
    void this.#connectAndSend([operation], answer);
  }

  #driverNow(): Driver | undefined {
    try {
      const connected = this.#connected();
      return connected instanceof Promise ? undefined : connected;
    } catch {
      // The usual way fails for the same reason, and tells.
      return undefined;
    }
  }

  // Not a microtask: requests of one turn arrive in separate callbacks, and only an immediate
  // comes after all of them.
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      // Clients write what they are given at the end of the turn, all in one.
      if (this.#hasSentEarly) this.#schedule();
      else this.#flush();
      this.#hasSentEarly = false;
    });
  }

  #flush(): void {
    while (this.#waiting.length > 0 && this.#inFlight < this.#maxInFlight) {
      const batch = this.#waiting.splice(0, this.#maxBatch);
      const pending = batch.filter((operation) => !operation.isSettled);
      if (pending.length === 0) continue;
      this.#dispatch(pending);
      if (this.#waiting.length > 0) this.#schedule();
      return;
    }
  }

  get #maxBatch(): number {
    return this.#driver?.calling?.maxBatch ?? MAX_BATCH;
  }

  get #maxInFlight(): number {
    return this.#driver?.calling?.maxInFlight ?? MAX_IN_FLIGHT;
  }

  #dispatch(batch: readonly Operation<M, R>[]): void {
    this.#alone = batch.length === 1 && this.#inFlight === 0 ? this.#alone + 1 : 0;
    this.#inFlight += 1;
    // A batch stops counting when the last of its operations has an answer or has timed out, so
    // that a call that never returns cannot stop the ones behind it.
    let left = batch.length;
    const leave = () => {
      left -= 1;
      if (left > 0) return;
      this.#inFlight -= 1;
      if (this.#waiting.length > 0) this.#schedule();
    };
    for (const operation of batch) {
      operation.send();
      operation.onLeft = leave;
    }
    void this.#connectAndSend(batch);
  }

  async #connectAndSend(
    batch: readonly Operation<M, R>[],
    answer?: Promise<Results<R>>,
  ): Promise<void> {
    let driver: Driver;
    try {
      const connected = this.#connected();
      driver = connected instanceof Promise ? await connected : connected;
    } catch (error) {
      failAll(batch, error instanceof Error ? error : new DatabankError(String(error)));
      return;
    }
    this.#driver = driver;
    this.#isImmediate = driver.calling?.immediate?.includes(this.#method) === true;
    await this.#send(driver, batch, 1, answer);
  }

  /** Sends a batch until each member has a result. Never rejects. */
  async #send(
    driver: Driver,
    batch: readonly Operation<M, R>[],
    attempt: number,
    answer?: Promise<Results<R>>,
  ): Promise<void> {
    let results: Results<R>;
    try {
      const given: unknown = await (answer ??
        this.#call(
          driver,
          batch.map(({ member }) => member),
        ));
      results = Array.isArray(given) ? given : [];
    } catch (error) {
      await this.#sendAgain(driver, batch, attempt, error);
      return;
    }
    for (const [i, operation] of batch.entries()) {
      const result = results[i];
      if (result === undefined) operation.fail(shortAnswer(driver.name));
      else if (result instanceof Error) operation.fail(toDatabankError(driver.name, result));
      else operation.succeed(result);
    }
  }

  // Repeating is safe even if the first call was carried out: a write recognises its own version.
  async #sendAgain(
    driver: Driver,
    batch: readonly Operation<M, R>[],
    attempt: number,
    error: unknown,
  ): Promise<void> {
    const retry = retryAfter(driver, error) ?? "each";
    const pending = batch.filter((operation) => !operation.isSettled);
    if (retry === "whole" && attempt < MAX_ATTEMPTS) {
      await delay(Math.random() * 5 * attempt);
      await this.#send(driver, pending, attempt + 1);
    } else if (retry === "each" && batch.length > 1) {
      await Promise.all(pending.map((operation) => this.#send(driver, [operation], attempt)));
    } else {
      failAll(pending, toDatabankError(driver.name, error));
    }
  }
}

/** What the driver says of an error; one that cannot tell has broken on it. */
export function retryAfter(driver: Driver, error: unknown): ReturnType<Retry> | undefined {
  try {
    return driver.retry?.(error);
  } catch {
    return "never";
  }
}

type Retry = NonNullable<Driver["retry"]>;

function failAll<M extends { readonly id: string }, R>(
  batch: readonly Operation<M, R>[],
  error: Error,
): void {
  for (const operation of batch) operation.fail(error);
}

function shortAnswer(driverName: string): DatabankError {
  return new DatabankError(`The ${driverName} driver gave fewer results than it was asked for`);
}
