import type { Snapshot } from "./snapshot.js";

// In characters of JSON: some 10 000 sessions of 1.5 KB.
const MAX_CHARACTERS = 16 * 1024 * 1024;

/** What one version of a stored session says. */
export interface Known {
  readonly version: string;
  readonly snapshot: Snapshot;
}

/**
 * Sessions that were read or saved, by id: to copy one is several times cheaper than to have its
 * text sent and parsed again. Whoever uses one asks the database whether its version still is the
 * one that is stored; every change has a version of its own.
 */
export class SnapshotCache {
  readonly #known = new Map<string, Known>();
  #characters = 0;

  get(id: string): Known | undefined {
    return this.#known.get(id);
  }

  add(id: string, version: string, snapshot: Snapshot): void {
    const known = this.#known.get(id);
    this.#characters += snapshot.json.length - (known?.snapshot.json.length ?? 0);
    this.#known.set(id, { version, snapshot });
    if (this.#characters <= MAX_CHARACTERS) return;
    for (const oldest of this.#known.keys()) {
      this.delete(oldest);
      if (this.#characters <= MAX_CHARACTERS) return;
    }
  }

  delete(id: string): void {
    const known = this.#known.get(id);
    if (!known) return;
    this.#known.delete(id);
    this.#characters -= known.snapshot.json.length;
  }
}
