import { type Answer, begin } from "./answer.js";

/** Runs tasks with one key one after another, and those with different keys side by side. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>();

  /**
   * Answers as the task does, at once if the task does and nothing was in front of it. A task that
   * fails does not stop the ones behind it.
   */
  run<T>(key: string, task: () => Answer<T>): Answer<T> {
    const tail = this.#tails.get(key);
    const running = tail === undefined ? begin(task) : tail.then(task, task);
    if (!(running instanceof Promise)) return running;
    this.#tails.set(key, running);
    const leave = () => {
      if (this.#tails.get(key) === running) this.#tails.delete(key);
    };
    running.then(leave, leave);
    return running;
  }
}
