import type { Capabilities, Driver } from "../databank/driver.js";
import { NotConnectedError } from "../databank/errors.js";
import { Connection } from "./mongodb/connection.js";
import { MAX_VALUE_BYTES } from "./mongodb/entries.js";
import { retryOf } from "./mongodb/errors.js";
import { type Opened, open } from "./mongodb/open.js";
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
  let opened: Opened | undefined;
  let connection: Connection | undefined;
  let changing: Promise<unknown> = Promise.resolve();

  function connected(): Connection {
    if (!connection) throw new NotConnectedError();
    return connection;
  }

  /** One connect or disconnect after another. */
  function inTurn(task: () => Promise<void>): Promise<void> {
    const turn = changing.then(task);
    changing = turn.catch(() => {});
    return turn;
  }

  async function close(): Promise<void> {
    const closing = opened;
    connection = undefined;
    opened = undefined;
    await closing?.close();
  }

  const driver: Driver = {
    name: "mongodb",
    capabilities: CAPABILITIES,

    connect: (schema) =>
      inTurn(async () => {
        opened ??= await open(settings);
        const attempt = new Connection(opened.database, schema, settings, (report) =>
          driver.onCorrupt?.(report),
        );
        try {
          await attempt.prepareAll();
          connection = attempt;
        } catch (error) {
          // A client that has not reached its server goes on trying; the next attempt has its own.
          if (!connection) await close();
          throw error;
        }
      }),

    disconnect: () => inTurn(close),

    read: async (type, reads) => connected().entries(type).read(reads),
    write: async (type, writes) => (await connected().prepared(type)).write(writes),
    touch: async (type, touches) => connected().entries(type).touch(touches),
    del: async (type, deletions) => connected().entries(type).del(deletions),
    scan: async (type, page) => connected().entries(type).scan({}, page),
    search: async (type, criteria, page) => connected().entries(type).search(criteria, page),
    count: async (type) => connected().entries(type).count(),
    clear: async (type) => connected().entries(type).clear(),

    async deleteExpired(type, { limit }) {
      const { deleted, isLast } = await connected().entries(type).cleanUp(limit);
      // What is deleted is out of the way, so each step begins at the beginning.
      return { deleted, cursor: isLast ? null : "more" };
    },

    retry: retryOf,
  };
  return driver;
}
