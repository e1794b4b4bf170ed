import type { Capabilities, Driver, StoredEntry } from "../databank/driver.js";
import { DELETION_GRACE_MS, isLive } from "../databank/entry.js";
import { DatabankError } from "../databank/errors.js";
import { checkNames } from "../databank/options.js";
import { Entries, toStored } from "./memory/entries.js";

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
