import type { Capabilities, Driver } from "../databank/driver.js";
import { lifeCycle } from "./life-cycle.js";
import { clear, del, deleteExpired, touch } from "./mysql/changing.js";
import { Connections } from "./mysql/connections.js";
import { retry } from "./mysql/errors.js";
import { search } from "./mysql/indices.js";
import { type MysqlOptions, resolveOptions } from "./mysql/options.js";
import { count, read, scan } from "./mysql/reading.js";
import { prepareTable } from "./mysql/table.js";
import { write } from "./mysql/writing.js";

export type { MysqlPool, MysqlPromisePool } from "./mysql/client.js";
export type { MysqlOptions, MysqlPoolOptions, MysqlUrlOptions } from "./mysql/options.js";

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
 * Keeps entries as rows of a table of MySQL or MariaDB. Needs the package mysql2, unless the
 * program passes a pool in.
 *
 * @throws DatabankError `DATABANK_INVALID_OPTION`.
 */
export function mysqlDriver(options: MysqlOptions): Driver {
  const settings = resolveOptions(options);
  const { connected, connect, disconnect } = lifeCycle({
    open: () => Connections.open(settings),
    prepare: (connections, schema) => prepareTable(connections, settings.table, schema),
    close: (connections) => connections.close(),
  });

  return {
    name: "mysql",
    capabilities: CAPABILITIES,
    // Several batches keep the server busy while this process deals with the answers of others.
    calling: { maxBatch: 32, maxInFlight: 4 },
    retry,

    connect,
    disconnect,

    read: async (type, reads) => read(connected(), type, reads),
    write: async (type, writes) => write(connected(), type, writes),
    touch: async (type, touches) => touch(connected(), type, touches),
    del: async (type, deletions) => del(connected(), type, deletions),
    scan: async (type, page) => scan(connected(), type, page),
    search: async (type, criteria, page) => search(connected(), type, criteria, page),
    count: async (type, page) => count(connected(), type, page),
    clear: async (type, page) => clear(connected(), type, page),
    deleteExpired: async (type, page) => deleteExpired(connected(), type, page),
  };
}
