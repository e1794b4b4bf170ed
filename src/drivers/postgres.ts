import type { Capabilities, Driver } from "../databank/driver.js";
import { lifeCycle } from "./life-cycle.js";
import { Connections } from "./postgres/connections.js";
import {
  clear,
  count,
  del,
  deleteExpired,
  read,
  scan,
  search,
  type Table,
  touch,
} from "./postgres/entries.js";
import { retry } from "./postgres/errors.js";
import { type PostgresOptions, resolveOptions } from "./postgres/options.js";
import { statementsOf } from "./postgres/statements.js";
import { prepareTable } from "./postgres/table.js";
import { write } from "./postgres/writing.js";

export type { PostgresPool, PostgresQuery, PostgresResult } from "./postgres/connections.js";
export type {
  PostgresOptions,
  PostgresPoolOptions,
  PostgresTableOptions,
  PostgresUrlOptions,
} from "./postgres/options.js";
export { postgresTableSql } from "./postgres/table.js";

const CAPABILITIES: Capabilities = {
  conditionalWrites: "atomic",
  clock: "database",
  expiryGranularityMs: 1,
  nativeExpiry: false,
  touch: "in-place",
  scan: true,
  search: true,
  durable: true,
  shared: true,
  maxValueBytes: null,
};

/**
 * Keeps entries as rows of a table. Needs PostgreSQL 12 or newer, and the package `pg` unless the
 * program passes a pool in.
 *
 * @throws DatabankError `DATABANK_INVALID_OPTION`.
 */
export function postgresDriver(options: PostgresOptions): Driver {
  const settings = resolveOptions(options);
  const { connected, connect, disconnect } = lifeCycle({
    open: () => Connections.open(settings),
    prepare: async (connections, schema): Promise<Table> => {
      const shape = await prepareTable(connections, settings, schema);
      return { connections, statements: statementsOf(shape) };
    },
    close: (connections) => connections.close(),
  });

  return {
    name: "postgres",
    capabilities: CAPABILITIES,
    // While the server works on one batch, or waits for its disk, this process works on another.
    calling: { maxBatch: 32 },
    retry,

    connect,
    disconnect,

    read: async (type, reads) => read(connected(), type, reads),
    write: async (type, writes) => write(connected(), type, writes),
    touch: async (type, touches) => touch(connected(), type, touches),
    del: async (type, deletions) => del(connected(), type, deletions),
    scan: async (type, page) => scan(connected(), type, page),
    search: async (type, criteria, page) => search(connected(), type, criteria, page),
    count: async (type) => count(connected(), type),
    clear: async (type, page) => clear(connected(), type, page),
    deleteExpired: async (type, page) => deleteExpired(connected(), type, page),
  };
}
