import type { StoredEntry, Write, WriteResult } from "../../databank/driver.js";
import { isLive, isMet, laterOf } from "../../databank/entry.js";

/** An entry that is changed in place, and its place among the others. */
type Kept = { -readonly [Field in keyof StoredEntry]: StoredEntry[Field] } & {
  readonly order: number;
};

interface Place {
  readonly id: string;
  readonly order: number;
}

// So that few entries that come and go are not sorted out all the time.
const SPARE_PLACES = 1000;

/** The entries of one type; where their number is limited, the longest unchanged first. */
export class Entries {
  readonly #entries = new Map<string, Kept>();
  readonly #maxEntries: number;
  #order = 0;
  /** Where pages find their way: in order, with places in it of entries that have gone or moved. */
  #places: Place[] = [];

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#entries.size;
  }

  find(id: string): Kept | null {
    const entry = this.#entries.get(id);
    return entry && isLive(entry.expiresAt, Date.now()) ? entry : null;
  }

  write(write: Write): WriteResult {
    const current = this.find(write.id);
    if (!isMet(write.if, current)) return { conflict: toStored(current) };
    const expiresAt =
      write.extend && current ? laterOf(current.expiresAt, write.expiresAt) : write.expiresAt;
    if (!isLive(expiresAt, Date.now())) {
      this.drop(write.id);
    } else if (current) {
      current.json = write.json;
      current.version = write.version;
      current.createdAt = write.createdAt;
      this.#postpone(current, expiresAt);
    } else {
      this.drop(write.id);
      if (this.#entries.size >= this.#maxEntries) this.#dropOldest();
      this.#append({ ...toStored(write), expiresAt });
    }
    return "done";
  }

  touch(id: string, expiresAt: number | null): boolean {
    const current = this.find(id);
    if (!current) return false;
    this.#postpone(current, laterOf(current.expiresAt, expiresAt));
    return true;
  }

  delete(id: string, version: string | undefined): boolean {
    const current = this.find(id);
    if (!current || !isMet(version, current)) return false;
    return this.drop(id);
  }

  drop(id: string): boolean {
    return this.#entries.delete(id);
  }

  count(): number {
    const now = Date.now();
    let live = 0;
    for (const { expiresAt } of this.#entries.values()) if (isLive(expiresAt, now)) live += 1;
    return live;
  }

  /**
   * Visits up to `limit` entries that come after `cursor`, and returns the cursor of the last
   * one. An entry that moves to the end while a scan is under way is visited again.
   */
  walk(
    limit: number,
    cursor: string | null,
    visit: (entry: Kept, now: number) => void,
  ): string | null {
    const now = Date.now();
    const places = this.#places;
    let visited = 0;
    for (let i = indexAfter(places, Number(cursor ?? 0)); i < places.length; i += 1) {
      const { id, order } = places[i] as Place;
      const entry = this.#entries.get(id);
      if (entry?.order !== order) continue;
      visit(entry, now);
      visited += 1;
      if (visited === limit) return String(order);
    }
    return null;
  }

  #postpone(entry: Kept, expiresAt: number | null): void {
    entry.expiresAt = expiresAt;
    if (this.#maxEntries === Number.POSITIVE_INFINITY) return;
    this.drop(entry.id);
    this.#append(entry);
  }

  #append(entry: StoredEntry): void {
    const { id } = entry;
    this.#order += 1;
    this.#entries.set(id, { ...entry, order: this.#order });
    this.#places.push({ id, order: this.#order });
    if (this.#places.length > 2 * this.#entries.size + SPARE_PLACES) this.#tidy();
  }

  #tidy(): void {
    this.#places = this.#places.filter(({ id, order }) => this.#entries.get(id)?.order === order);
  }

  #dropOldest(): void {
    for (const id of this.#entries.keys()) {
      this.drop(id);
      return;
    }
  }
}

/** The index of the first place after an order, by halving what is left to look at. */
function indexAfter(places: readonly Place[], order: number): number {
  let from = 0;
  let to = places.length;
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if ((places[middle] as Place).order > order) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** A copy without what is known here alone. */
export function toStored(entry: StoredEntry): StoredEntry;
export function toStored(entry: StoredEntry | null): StoredEntry | null;
export function toStored(entry: StoredEntry | null): StoredEntry | null {
  if (!entry) return null;
  const { id, json, version, createdAt, expiresAt } = entry;
  return { id, json, version, createdAt, expiresAt };
}
