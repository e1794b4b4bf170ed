import type { StoredEntry } from "../../databank/driver.js";

/** What a key held when this process last looked, and the number of its last change. */
export interface Seen {
  readonly cas: string;
  /** `null` where it cannot be read. */
  readonly entry: StoredEntry | null;
}

// Twice that is kept at most, in characters of JSON.
const MAX_LENGTH = 4_000_000;
const MAX_ENTRIES = 10_000;
const MAX_ENTRY_LENGTH = 200_000;

/**
 * What was lately seen under the keys of one server: enough to change it in one trip, on condition
 * that it is still so. It is a guess, and memcached decides.
 *
 * It holds for one connection: a server that starts again begins to count anew.
 */
export class Recent {
  // Two generations instead of an order: what was not asked for during a whole one is forgotten.
  #young = new Map<string, Seen>();
  #old = new Map<string, Seen>();
  #length = 0;

  get(key: string): Seen | undefined {
    const young = this.#young.get(key);
    if (young) return young;
    const old = this.#old.get(key);
    if (old) this.set(key, old);
    return old;
  }

  set(key: string, seen: Seen): void {
    const length = seen.entry?.json.length ?? 0;
    if (length > MAX_ENTRY_LENGTH) {
      this.delete(key);
      return;
    }
    if (this.#length + length > MAX_LENGTH || this.#young.size >= MAX_ENTRIES) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#length = 0;
    }
    this.#length += length;
    this.#young.set(key, seen);
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}
