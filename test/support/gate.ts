/** A promise that a test opens by hand, to force the order of things. */
export class Gate {
  readonly opened: Promise<void>;
  #open: () => void = () => {};
  #fail: (error: Error) => void = () => {};

  constructor() {
    this.opened = new Promise((resolve, reject) => {
      this.#open = resolve;
      this.#fail = reject;
    });
    // It may fail before anyone waits.
    this.opened.catch(() => {});
  }

  open(): void {
    this.#open();
  }

  fail(error: Error): void {
    this.#fail(error);
  }
}
