import { setTimeout as delay } from "node:timers/promises";
import type { Capabilities, Driver } from "../databank/driver.js";
import { lifeCycle } from "./life-cycle.js";
import { isFatal } from "./lmdb/client.js";
import { define, open } from "./lmdb/connection.js";
import { type LmdbOptions, resolveOptions } from "./lmdb/options.js";
import type { Table } from "./lmdb/table.js";

export type { LmdbDatabase } from "./lmdb/client.js";
export type { LmdbDatabaseOptions, LmdbOptions, LmdbUrlOptions } from "./lmdb/options.js";

const CAPABILITIES: Capabilities = {
  conditionalWrites: "atomic",
  clock: "process",
  expiryGranularityMs: 1,
  nativeExpiry: false,
  touch: "in-place",
  scan: true,
  search: true,
  durable: true,
  shared: true,
  maxValueBytes: null,
};

// A process that was stopped while it wrote keeps all others from writing, not from ending.
const PATIENCE_MS = 10_000;

/** Stores entries in LMDB, a memory-mapped file that several processes may use. */
export function lmdbDriver(options: LmdbOptions): Driver {
  const settings = resolveOptions(options);
  const { connected, connect, disconnect } = lifeCycle({
    open: () => open(settings, (type, cause) => driver.onCorrupt?.({ type, cause })),
    prepare: async (connection, schema) => {
      await define(connection, schema);
      return connection;
    },
    close: async ({ transactions, release }) => {
      const closed = transactions.idle().then(release);
      await Promise.race([closed, delay(PATIENCE_MS, undefined, { ref: false })]);
    },
  });

  /** The entries as they are at this moment, whichever process has changed them. */
  function current(): Table {
    const { root, table } = connected();
    root.resetReadTxn();
    return table;
  }

  /** All members of a call in one transaction. */
  async function change<M, R>(
    members: readonly M[],
    apply: (table: Table, member: M) => R,
  ): Promise<readonly R[]> {
    const { transactions, table } = connected();
    return transactions.run(() => members.map((member) => apply(table, member)));
  }

  const driver: Driver = {
    name: "lmdb",
    capabilities: CAPABILITIES,
    // The database is mapped into memory: reads have nothing to wait for.
    calling: { immediate: ["read"] },

    connect,
    disconnect,

    read(type, reads) {
      const table = current();
      return reads.map((read) => table.read(type, read));
    },

    write: (type, writes) => change(writes, (table, write) => table.write(type, write)),
    touch: (type, touches) => change(touches, (table, touch) => table.touch(type, touch)),
    del: (type, deletions) => change(deletions, (table, deletion) => table.del(type, deletion)),

    async scan(type, page) {
      return current().scan(type, page);
    },

    async search(type, criteria, page) {
      return current().search(type, criteria, page);
    },

    async count(type, page) {
      return current().count(type, page);
    },

    async clear(type, { limit }) {
      const { transactions, table } = connected();
      const { deleted, isLast } = await transactions.run(() => table.clear(type, limit));
      return { deleted, cursor: isLast ? null : "more" };
    },

    async deleteExpired(type, { limit }) {
      const { transactions, table } = connected();
      const { deleted, isLast } = await transactions.run(() => table.cleanUp(type, limit));
      // What has been looked at is no longer due, so each step begins at the beginning.
      return { deleted, cursor: isLast ? null : "more" };
    },

    retry: (error) => (isFatal(error) ? "never" : "each"),
  };
  return driver;
}
