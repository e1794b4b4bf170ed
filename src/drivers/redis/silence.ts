/**
 * Notices when something that was asked has had no answer for long, though more is being asked. For a
 * socket's own time-out what is sent is as good a sign of life as what is received.
 */
export class Silence {
  readonly #limitMs: number;
  readonly #giveUp: () => void;
  /** Since when each is waited for, the longest first. */
  readonly #waiting = new Set<{ readonly since: number }>();
  #timer: NodeJS.Timeout | undefined;

  /** @param giveUp - Called when the limit is over, and again after as long without an answer. */
  constructor(limitMs: number, giveUp: () => void) {
    this.#limitMs = limitMs;
    this.#giveUp = giveUp;
  }

  /** Waits for an answer, which it returns as it is. */
  until<T>(answer: Promise<T>): Promise<T> {
    const asked = { since: performance.now() };
    this.#waiting.add(asked);
    const hear = () => {
      this.#waiting.delete(asked);
    };
    answer.then(hear, hear);
    this.#timer ??= this.#arm(this.#limitMs);
    return answer;
  }

  #arm(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#look(), delayMs).unref();
  }

  #look(): void {
    this.#timer = undefined;
    const [first] = this.#waiting;
    if (!first) return;
    const leftMs = first.since + this.#limitMs - performance.now();
    if (leftMs > 0) {
      this.#timer = this.#arm(leftMs);
    } else {
      this.#waiting.clear();
      this.#giveUp();
    }
  }
}
