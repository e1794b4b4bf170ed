import type { Capabilities, Driver } from "../databank/driver.js";
import { lifeCycle } from "./life-cycle.js";
import { atOnce, patiently } from "./sqlite/commits.js";
import { define, open } from "./sqlite/connection.js";
import { isFatal } from "./sqlite/engine.js";
import { resolveOptions, type SqliteOptions } from "./sqlite/options.js";
import type { Table } from "./sqlite/table.js";

export type { SqliteDatabase, SqliteStatement, SqliteValue } from "./sqlite/engine.js";
export type { SqliteDatabaseOptions, SqliteOptions, SqliteUrlOptions } from "./sqlite/options.js";

/** Stores entries in a table of a SQLite database. Needs SQLite 3.38 or newer. */
export function sqliteDriver(options: SqliteOptions): Driver {
  const settings = resolveOptions(options);
  const { connected, connect, disconnect } = lifeCycle({
    open: () => open(settings),
    prepare: async (connection, schema) => {
      await define(connection, settings.table, schema);
      return connection;
    },
    close: async ({ commits, database }) => {
      await commits.idle();
      if (settings.database === undefined) database.close();
    },
  });

  /** @param alone - The same in one statement, or `undefined` where that has changed nothing. */
  async function change<M, R>(
    members: readonly M[],
    apply: (table: Table, member: M) => R,
    alone: (table: Table, member: M) => R | undefined = apply,
  ): Promise<readonly (R | Error)[]> {
    const { commits, table } = connected();
    const [first] = members;
    if (first === undefined || members.length > 1) {
      return commits.add(() => members.map((member) => slot(() => apply(table, member))));
    }
    return commits.add(
      () => [slot(() => apply(table, first))],
      () => {
        const result = slot(() => alone(table, first));
        return result === undefined ? undefined : [result];
      },
    );
  }

  return {
    name: "sqlite",
    capabilities: capabilitiesOf(settings.isMemory),
    // The database is in this process: reads have nothing to wait for, and changes are gathered
    // for the transaction that all methods and types of a turn share.
    calling: { immediate: ["read", "write", "touch", "del"] },

    connect,
    disconnect,

    read(type, reads) {
      const { table } = connected();
      return atOnce(() => reads.map((read) => slot(() => table.read(type, read))));
    },

    write: (type, writes) =>
      change(
        writes,
        (table, write) => table.write(type, write),
        (table, write) => table.writeAlone(type, write),
      ),
    touch: (type, touches) => change(touches, (table, touch) => table.touch(type, touch)),
    del: (type, deletions) => change(deletions, (table, deletion) => table.del(type, deletion)),

    async scan(type, page) {
      const { table } = connected();
      return patiently(() => table.scan(type, page));
    },

    async search(type, criteria, page) {
      const { table } = connected();
      return patiently(() => table.search(type, criteria, page));
    },

    async count(type, page) {
      const { table } = connected();
      return patiently(() => table.count(type, page));
    },

    async clear(type, { limit }) {
      const { commits, table } = connected();
      const deleted = await commits.add(() => table.clear(type, limit));
      return { deleted, cursor: deleted < limit ? null : "more" };
    },

    async deleteExpired(type, { limit }) {
      const { commits, table } = connected();
      const { deleted, isLast } = await commits.add(() => table.cleanUp(type, limit));
      // What has been looked at is no longer due, so each step begins at the beginning.
      return { deleted, cursor: isLast ? null : "more" };
    },

    retry: (error) => (isFatal(error) ? "never" : "each"),
  };
}

function capabilitiesOf(isMemory: boolean): Capabilities {
  return {
    conditionalWrites: "atomic",
    clock: "process",
    expiryGranularityMs: 1,
    nativeExpiry: false,
    touch: "in-place",
    scan: true,
    search: true,
    durable: !isMemory,
    shared: !isMemory,
    maxValueBytes: null,
  };
}

/** What is wrong with one member must not spoil the others. */
function slot<R>(apply: () => R): R | Error {
  try {
    return apply();
  } catch (error) {
    if (isFatal(error) || !(error instanceof Error)) throw error;
    return error;
  }
}
