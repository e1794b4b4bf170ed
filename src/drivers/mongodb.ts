import type { Capabilities, Driver } from "../databank/driver.js";
import { lifeCycle } from "./life-cycle.js";
import { Connection } from "./mongodb/connection.js";
import { MAX_VALUE_BYTES } from "./mongodb/entries.js";
import { retryOf } from "./mongodb/errors.js";
import { open } from "./mongodb/open.js";
import { type MongodbOptions, resolveOptions } from "./mongodb/options.js";

export type { ClassicMongodbOptions } from "./mongodb/classic-options.js";
export type { MongodbClient, MongodbDatabase } from "./mongodb/client.js";
export type {
  MongodbClientOptions,
  MongodbDatabaseOptions,
  MongodbIndexOptions,
  MongodbOptions,
  MongodbUrlOptions,
} from "./mongodb/options.js";

const CAPABILITIES: Capabilities = {
  conditionalWrites: "atomic",
  clock: "process",
  expiryGranularityMs: 1,
  // A server may delete what has expired, but not all do, and none says so before it is asked.
  nativeExpiry: false,
  touch: "in-place",
  scan: true,
  search: true,
  durable: true,
  shared: true,
  maxValueBytes: MAX_VALUE_BYTES,
};

/** Stores entries as documents of a MongoDB database, one collection for each type. */
export function mongodbDriver(options: MongodbOptions): Driver {
  const settings = resolveOptions(options);
  const { connected, connect, disconnect } = lifeCycle({
    open: () => open(settings),
    prepare: async ({ database }, schema) => {
      const connection = new Connection(database, schema, settings, (report) =>
        driver.onCorrupt?.(report),
      );
      await connection.prepareAll();
      return connection;
    },
    close: (opened) => opened.close(),
  });

  const driver: Driver = {
    name: "mongodb",
    capabilities: CAPABILITIES,
    // Small batches on a few connections: the server works on one while the client does on another.
    calling: { maxBatch: 32, maxInFlight: 4 },

    connect,
    disconnect,

    read: async (type, reads) => connected().entries(type).read(reads),
    write: async (type, writes) => (await connected().prepared(type)).write(writes),
    touch: async (type, touches) => connected().entries(type).touch(touches),
    del: async (type, deletions) => connected().entries(type).del(deletions),
    scan: async (type, page) => connected().entries(type).scan({}, page),
    search: async (type, criteria, page) => connected().entries(type).search(criteria, page),
    count: async (type) => ({ live: await connected().entries(type).count(), cursor: null }),
    clear: async (type, { limit }) => connected().entries(type).clear(limit),

    async deleteExpired(type, { limit }) {
      const { deleted, isLast } = await connected().entries(type).cleanUp(limit);
      // What is deleted is out of the way, so each step begins at the beginning.
      return { deleted, cursor: isLast ? null : "more" };
    },

    retry: retryOf,
  };
  return driver;
}
