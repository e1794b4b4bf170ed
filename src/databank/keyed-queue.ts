/** Runs tasks with one key one after another, and those with different keys side by side. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Resolves or rejects as the task does. A task that fails does not stop the ones behind it. */
  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const tail = this.#tails.get(key);
    const running = tail === undefined ? task() : tail.then(task, task);
    this.#tails.set(key, running);
    const leave = () => {
      if (this.#tails.get(key) === running) this.#tails.delete(key);
    };
    running.then(leave, leave);
    return running;
  }
}
