import type { StoredEntry } from "../../databank/driver.js";

/** An entry as the store has had it at some moment. */
export interface Cached {
  readonly entry: StoredEntry;
  /** When the store was asked, or `null` where its deadline is not known. */
  readonly at: Moment | null;
}

/** A moment by two clocks: one is set back now and then, and the other stops in standby. */
export interface Moment {
  readonly wallMs: number;
  readonly steadyMs: number;
}

// Two objects, a place in the map, the key, and the texts that are not the value.
const OVERHEAD_BYTES = 500;
const BYTES_OF_UNIT = 2;

/** The entries that were used last, as many as there is room for. */
export class Cache {
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Cached>();
  #bytes = 0;

  constructor(maxEntries: number, maxBytes: number) {
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
  }

  /** What is there, which is used last from now on. */
  use(key: string): Cached | undefined {
    const cached = this.#entries.get(key);
    if (!cached) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, cached);
    return cached;
  }

  set(key: string, cached: Cached): void {
    this.delete(key);
    this.#entries.set(key, cached);
    this.#bytes += bytesOf(key, cached);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxEntries && this.#bytes <= this.#maxBytes) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const cached = this.#entries.get(key);
    if (!cached) return;
    this.#entries.delete(key);
    this.#bytes -= bytesOf(key, cached);
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }
}

function bytesOf(key: string, { entry }: Cached): number {
  return BYTES_OF_UNIT * (key.length + entry.json.length) + OVERHEAD_BYTES;
}
