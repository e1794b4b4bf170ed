import type { Snapshot } from "./snapshot.js";

// In characters of JSON: some 10 000 sessions of 1.5 KB.
const MAX_CHARACTERS = 16 * 1024 * 1024;

interface Known {
  version: string;
  snapshot: Snapshot;
}

/**
 * Sessions that were read or saved, by id: to copy one is several times cheaper than to parse its
 * text again. It is never out of date, because every change has a version of its own.
 */
export class SnapshotCache {
  readonly #known = new Map<string, Known>();
  #characters = 0;

  get(id: string, version: string): Snapshot | undefined {
    const known = this.#known.get(id);
    return known?.version === version ? known.snapshot : undefined;
  }

  add(id: string, version: string, snapshot: Snapshot): void {
    const known = this.#known.get(id);
    this.#characters += snapshot.json.length - (known?.snapshot.json.length ?? 0);
    if (known) {
      known.version = version;
      known.snapshot = snapshot;
    } else this.#known.set(id, { version, snapshot });
    for (const oldest of this.#known.keys()) {
      if (this.#characters <= MAX_CHARACTERS) return;
      this.delete(oldest);
    }
  }

  delete(id: string): void {
    const known = this.#known.get(id);
    if (!known) return;
    this.#known.delete(id);
    this.#characters -= known.snapshot.json.length;
  }
}
