import type { Capabilities, Driver } from "../databank/driver.js";
import { NotConnectedError } from "../databank/errors.js";
import { clear, del, deleteExpired, touch } from "./mysql/changing.js";
import { Connections } from "./mysql/connections.js";
import { retry } from "./mysql/errors.js";
import { search } from "./mysql/indices.js";
import { type MysqlOptions, resolveOptions } from "./mysql/options.js";
import { count, read, scan } from "./mysql/reading.js";
import { prepareTable, type Table } from "./mysql/table.js";
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
  let connections: Connections | undefined;
  let table: Table | undefined;
  let last: Promise<unknown> = Promise.resolve();

  /** Connects and disconnects one after another. */
  function inTurn(task: () => Promise<void>): Promise<void> {
    const turn = last.then(task);
    last = turn.catch(() => {});
    return turn;
  }

  function connected(): Table {
    if (!table) throw new NotConnectedError();
    return table;
  }

  return {
    name: "mysql",
    capabilities: CAPABILITIES,
    // Several batches keep the server busy while this process deals with the answers of others.
    calling: { maxBatch: 32, maxInFlight: 4 },
    retry,

    connect: (schema) =>
      inTurn(async () => {
        connections ??= await Connections.open(settings);
        table = await prepareTable(connections, settings.table, schema);
      }),

    disconnect: () =>
      inTurn(async () => {
        const closing = connections;
        connections = undefined;
        table = undefined;
        await closing?.close();
      }),

    read: async (type, reads) => read(connected(), type, reads),
    write: async (type, writes) => write(connected(), type, writes),
    touch: async (type, touches) => touch(connected(), type, touches),
    del: async (type, deletions) => del(connected(), type, deletions),
    scan: async (type, page) => scan(connected(), type, page),
    search: async (type, criteria, page) => search(connected(), type, criteria, page),
    count: async (type) => count(connected(), type),
    clear: async (type) => clear(connected(), type),
    deleteExpired: async (type, page) => deleteExpired(connected(), type, page),
  };
}
