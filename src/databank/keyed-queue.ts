import { type Answer, begin } from "./answer.js";
import type { Deadlines, Timed } from "./deadlines.js";

/** Runs tasks with one key one after another, and those with different keys side by side. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>();
  readonly #deadlines: Deadlines | undefined;

  /**
   * @param deadlines - Limits how long a task that had to wait may take, waiting included, and how
   *   many may wait. In an outage they would else fail one after the other, each in its own time.
   */
  constructor(deadlines?: Deadlines) {
    this.#deadlines = deadlines;
  }

  /**
   * Answers as the task does, at once if the task does and nothing was in front of it. A task that
   * fails does not stop the ones behind it.
   */
  run<T>(key: string, task: () => Answer<T>): Answer<T> {
    const tail = this.#tails.get(key);
    if (tail === undefined) {
      const running = begin(task);
      if (running instanceof Promise) this.#follow(key, running);
      return running;
    }
    const turn = new Turn<T>(task);
    if (this.#deadlines && !this.#deadlines.add(turn)) return turn.answer;
    // Whoever is behind a task waits for its end, not for the moment when its caller gave up.
    const start = () => turn.take();
    this.#follow(key, tail.then(start, start));
    return turn.answer;
  }

  #follow(key: string, running: Promise<unknown>): void {
    this.#tails.set(key, running);
    const leave = () => {
      if (this.#tails.get(key) === running) this.#tails.delete(key);
    };
    running.then(leave, leave);
  }
}

/** A task that waits for its turn; one whose time ends before is not run. */
class Turn<T> implements Timed {
  earlier: Timed | undefined;
  later: Timed | undefined;
  deadline = 0;
  deadlines: Deadlines | undefined;
  readonly answer: Promise<T>;
  /** Kept no longer than it may be run. */
  #task: (() => Answer<T>) | undefined;
  #isSettled = false;
  #resolve: (result: T) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(task: () => Answer<T>) {
    this.#task = task;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  async take(): Promise<void> {
    const task = this.#task;
    if (!task) return;
    try {
      const result = await task();
      this.#settle(() => this.#resolve(result));
    } catch (error) {
      this.fail(error);
    }
  }

  fail(error: unknown): void {
    this.#settle(() => this.#reject(error));
  }

  #settle(settle: () => void): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#task = undefined;
    settle();
    this.deadlines?.remove(this);
  }
}
