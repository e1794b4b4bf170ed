import type { Capabilities, Driver, StoredEntry, Write, WriteResult } from "../databank/driver.js";
import { DELETION_GRACE_MS, isLive, isMet, laterOf } from "../databank/entry.js";
import { DatabankError } from "../databank/errors.js";
import { checkNames } from "../databank/options.js";

/** How much a memory databank may hold. */
export interface MemoryOptions {
  /**
   * The most entries of one type, from 1; one more pushes out the entry that was written or
   * touched longest ago.
   * @default Infinity
   */
  readonly maxEntries?: number;
}

const CAPABILITIES: Capabilities = {
  conditionalWrites: "atomic",
  clock: "process",
  expiryGranularityMs: 1,
  nativeExpiry: false,
  touch: "in-place",
  scan: true,
  search: false,
  durable: false,
  shared: false,
  maxValueBytes: null,
};

/** An entry that is changed in place, and its place in its map, by which scans find their way. */
type Kept = { -readonly [Field in keyof StoredEntry]: StoredEntry[Field] } & {
  readonly order: number;
};

/**
 * Keeps entries in this process, until it ends or disconnects.
 *
 * Values are JSON text, so what goes in and what comes out are copies.
 */
export function memoryDriver(options: MemoryOptions = {}): Driver {
  checkNames("The memory driver", options, ["maxEntries"]);
  const maxEntries = options.maxEntries ?? Number.POSITIVE_INFINITY;
  if (!(maxEntries >= 1)) {
    throw new DatabankError(`maxEntries must be a number from 1, not ${maxEntries}`, {
      code: "DATABANK_INVALID_OPTION",
    });
  }
  const types = new Map<string, Entries>();

  function entriesOf(type: string): Entries {
    let entries = types.get(type);
    if (!entries) {
      entries = new Entries(maxEntries);
      types.set(type, entries);
    }
    return entries;
  }

  return {
    name: "memory",
    capabilities: CAPABILITIES,
    // Nothing is far away, so there is nothing to gain by gathering calls.
    calling: { immediate: ["read", "write", "touch", "del"] },

    async connect() {},

    async disconnect() {
      types.clear();
    },

    read(type, reads) {
      const entries = entriesOf(type);
      return reads.map(({ id }) => toStored(entries.find(id)));
    },

    write(type, writes) {
      const entries = entriesOf(type);
      return writes.map((write) => entries.write(write));
    },

    touch(type, touches) {
      const entries = entriesOf(type);
      return touches.map(({ id, expiresAt }) => entries.touch(id, expiresAt));
    },

    del(type, deletions) {
      const entries = entriesOf(type);
      return deletions.map((deletion) => entries.delete(deletion.id, deletion.if));
    },

    async scan(type, { limit, cursor }) {
      const found: StoredEntry[] = [];
      const last = entriesOf(type).walk(limit, cursor, (entry, now) => {
        if (isLive(entry.expiresAt, now)) found.push(toStored(entry));
      });
      return { entries: found, cursor: last };
    },

    async count(type) {
      return { live: entriesOf(type).count(), cursor: null };
    },

    async clear(type) {
      const deleted = entriesOf(type).size;
      types.delete(type);
      return { deleted, cursor: null };
    },

    async deleteExpired(type, { limit, cursor }) {
      const entries = entriesOf(type);
      let deleted = 0;
      const last = entries.walk(limit, cursor, (entry, now) => {
        if (isLive(entry.expiresAt, now - DELETION_GRACE_MS)) return;
        entries.drop(entry.id);
        deleted += 1;
      });
      return { deleted, cursor: last };
    },
  };
}

function toStored(entry: StoredEntry): StoredEntry;
function toStored(entry: StoredEntry | null): StoredEntry | null;
function toStored(entry: StoredEntry | null): StoredEntry | null {
  if (!entry) return null;
  const { id, json, version, createdAt, expiresAt } = entry;
  return { id, json, version, createdAt, expiresAt };
}

/** The entries of one type; where their number is limited, the longest unchanged first. */
class Entries {
  readonly #entries = new Map<string, Kept>();
  readonly #maxEntries: number;
  #order = 0;

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
    const after = cursor === null ? 0 : Number(cursor);
    let visited = 0;
    for (const entry of this.#entries.values()) {
      if (entry.order <= after) continue;
      visit(entry, now);
      visited += 1;
      if (visited === limit) return String(entry.order);
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
    this.#order += 1;
    this.#entries.set(entry.id, { ...entry, order: this.#order });
  }

  #dropOldest(): void {
    for (const id of this.#entries.keys()) {
      this.drop(id);
      return;
    }
  }
}
