/** What was last seen of a document. */
export interface Remembered {
  /** Couchbase's own version, which each change of the document makes new, touches too. */
  readonly cas: string;
  readonly version: string;
  readonly expiresAt: number | null;
}

// Some 300 bytes each.
const MAX_REMEMBERED = 20_000;

/** What this process has last seen of documents, the latest ones. */
export class Memory {
  readonly #remembered = new Map<string, Remembered>();

  of(key: string): Remembered | undefined {
    return this.#remembered.get(key);
  }

  remember(key: string, remembered: Remembered): void {
    this.#remembered.delete(key);
    this.#remembered.set(key, remembered);
    if (this.#remembered.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#remembered.keys()) {
      this.#remembered.delete(oldest);
      return;
    }
  }

  forget(key: string): void {
    this.#remembered.delete(key);
  }
}
