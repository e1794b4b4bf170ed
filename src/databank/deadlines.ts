import { DatabankError, timedOut } from "./errors.js";

/** Something that must end in time. */
export interface Timed {
  earlier: Timed | undefined;
  later: Timed | undefined;
  deadline: number;
  /** What counts it, and has to be told when it is done. */
  deadlines: Deadlines | undefined;
  fail(error: Error): void;
}

/**
 * Fails what takes too long, and refuses more than fits.
 *
 * All deadlines are equally far from their start, so they stand in order in one list, and one
 * timer serves them all: a timer for each call would cost more than the call.
 */
export class Deadlines {
  readonly #timeoutMs: number;
  readonly #maxPending: number;
  #pending = 0;
  #first: Timed | undefined;
  #last: Timed | undefined;
  #timer: NodeJS.Timeout | undefined;
  #waitingForNone: (() => void)[] = [];

  constructor(options: { readonly timeoutMs: number; readonly maxPending: number }) {
    this.#timeoutMs = options.timeoutMs;
    this.#maxPending = options.maxPending;
  }

  get isFull(): boolean {
    return this.#pending >= this.#maxPending;
  }

  /** Starts its time. Returns `false`, with the call failed, when too many are pending. */
  add(timed: Timed): boolean {
    if (this.isFull) {
      timed.fail(
        new DatabankError(
          `${this.#maxPending} calls are already waiting for the database: it is too slow or out of reach`,
          { code: "DATABANK_QUEUE_FULL" },
        ),
      );
      return false;
    }
    this.#pending += 1;
    timed.deadline = performance.now() + this.#timeoutMs;
    timed.deadlines = this;
    timed.earlier = this.#last;
    if (this.#last) this.#last.later = timed;
    else this.#first = timed;
    this.#last = timed;
    this.#timer ??= this.#arm(this.#timeoutMs);
    return true;
  }

  /** Resolves once nothing is pending. */
  whenNone(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waitingForNone.push(resolve));
  }

  /** Ends the time of something that is done. */
  remove(timed: Timed): void {
    this.#pending -= 1;
    if (timed.earlier) timed.earlier.later = timed.later;
    else this.#first = timed.later;
    if (timed.later) timed.later.earlier = timed.earlier;
    else this.#last = timed.earlier;
    if (this.#pending === 0 && this.#waitingForNone.length > 0) {
      for (const resolve of this.#waitingForNone.splice(0)) resolve();
    }
  }

  #arm(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#expire(), delayMs).unref();
  }

  #expire(): void {
    const now = performance.now();
    while (this.#first && this.#first.deadline <= now) {
      this.#first.fail(timedOut(this.#timeoutMs));
    }
    // Rounded up: a timer that fires a fraction early would spin.
    this.#timer = this.#first && this.#arm(Math.ceil(this.#first.deadline - now));
  }
}
