import type { Capabilities, Driver } from "../databank/driver.js";
import { lifeCycle } from "./life-cycle.js";
import { Connection } from "./mongodb/connection.js";
import { type Entries, MAX_VALUE_BYTES } from "./mongodb/entries.js";
import { discreet, retryOf } from "./mongodb/errors.js";
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

  async function on<R>(type: string, task: (entries: Entries) => Promise<R>): Promise<R> {
    try {
      return await task(connected().entries(type));
    } catch (error) {
      throw discreet(error);
    }
  }

  const driver: Driver = {
    name: "mongodb",
    capabilities: CAPABILITIES,
    // Small batches on a few connections: the server works on one while the client does on another.
    calling: { maxBatch: 32, maxInFlight: 4 },

    connect,
    disconnect,

    read: (type, reads) => on(type, (entries) => entries.read(reads)),
    touch: (type, touches) => on(type, (entries) => entries.touch(touches)),
    del: (type, deletions) => on(type, (entries) => entries.del(deletions)),
    scan: (type, page) => on(type, (entries) => entries.scan({}, page)),
    search: (type, criteria, page) => on(type, (entries) => entries.search(criteria, page)),
    count: (type) => on(type, async (entries) => ({ live: await entries.count(), cursor: null })),
    clear: (type, { limit }) => on(type, (entries) => entries.clear(limit)),

    write: (type, writes) => on(type, async () => (await connected().prepared(type)).write(writes)),

    deleteExpired: (type, { limit }) =>
      on(type, async (entries) => {
        const { deleted, isLast } = await entries.cleanUp(limit);
        // What is deleted is out of the way, so each step begins at the beginning.
        return { deleted, cursor: isLast ? null : "more" };
      }),

    retry: retryOf,
  };
  return driver;
}
