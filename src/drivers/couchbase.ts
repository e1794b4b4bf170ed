import type { Driver } from "../databank/driver.js";
import { discreet, isOutOfReach, retryAfter } from "./couchbase/client-error.js";
import { canList, open } from "./couchbase/connection.js";
import { MAX_VALUE_BYTES } from "./couchbase/documents.js";
import type { Listing } from "./couchbase/listing.js";
import { type CouchbaseOptions, resolveOptions } from "./couchbase/options.js";
import { lifeCycle } from "./life-cycle.js";

export type {
  CouchbaseBucket,
  CouchbaseCluster,
  CouchbaseCollection,
  CouchbaseScope,
} from "./couchbase/client.js";
export type {
  CouchbaseClusterOptions,
  CouchbaseOptions,
  CouchbasePlaceOptions,
  CouchbaseUrlOptions,
} from "./couchbase/options.js";

const LISTING_METHODS = ["scan", "search", "count", "clear"] as const;

/**
 * Stores entries as documents of a Couchbase collection. Needs the `couchbase` package, version 4.
 *
 * Whether it can list and search depends on the cluster: `scan`, `count`, `clear` and `search` are
 * there, and declared, once `connect` has found a query service.
 */
export function couchbaseDriver(options: CouchbaseOptions): Driver {
  const settings = resolveOptions(options);
  const { connected, connect, disconnect } = lifeCycle({
    open: () => open(settings, (report) => driver.onCorrupt?.(report)),
    prepare: async (connection, schema) => {
      if (await canList(connection.listing, settings, schema)) Object.assign(driver, listing);
      else for (const name of LISTING_METHODS) delete driver[name];
      return connection;
    },
    close: (connection) => connection.close(),
  });

  async function list<R>(task: (listing: Listing) => Promise<R>): Promise<R> {
    try {
      return await task(connected().listing);
    } catch (error) {
      throw discreet(error);
    }
  }

  const listing: Pick<Required<Driver>, (typeof LISTING_METHODS)[number]> = {
    scan: (type, page) => list((entries) => entries.scan(type, page)),
    search: (type, criteria, page) => list((entries) => entries.search(type, criteria, page)),
    count: (type) => list((entries) => entries.count(type)),
    clear: (type, page) => list((entries) => entries.clear(type, page)),
  };

  const driver: Driver = {
    ...(settings.listing === "query" && listing),

    name: "couchbase",

    get capabilities() {
      return {
        conditionalWrites: "atomic",
        clock: "process",
        expiryGranularityMs: 1,
        nativeExpiry: true,
        touch: "in-place",
        scan: driver.scan !== undefined,
        search: driver.search !== undefined,
        durable: true,
        shared: true,
        maxValueBytes: MAX_VALUE_BYTES,
      } as const;
    },

    // Couchbase has no call for several documents, and its client sends without waiting.
    calling: { immediate: ["read", "write", "touch", "del"] },

    connect,
    disconnect,

    async read(type, reads) {
      const { documents } = connected();
      return each(reads, ({ id }) => documents.read(type, id));
    },

    async write(type, writes) {
      const { documents } = connected();
      return each(writes, (write) => documents.write(type, write));
    },

    async touch(type, touches) {
      const { documents } = connected();
      return each(touches, (touch) => documents.touch(type, touch));
    },

    async del(type, deletions) {
      const { documents } = connected();
      return each(deletions, (deletion) => documents.del(type, deletion));
    },

    retry: retryAfter,
  };
  return driver;
}

/** One call to the client for each member: what is wrong with one must not spoil the others. */
function each<M, R>(
  members: readonly M[],
  apply: (member: M) => Promise<R>,
): Promise<readonly (R | Error)[]> {
  return Promise.all(
    members.map((member) =>
      apply(member).catch((cause: unknown) => {
        const error = discreet(cause);
        // A rejection says more: what to do after it.
        if (members.length === 1 || isOutOfReach(error) || !(error instanceof Error)) throw error;
        return error;
      }),
    ),
  );
}
