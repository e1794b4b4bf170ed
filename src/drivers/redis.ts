import type {
  Capabilities,
  CorruptReport,
  Driver,
  StoredEntry,
  Touch,
  Write,
  WriteResult,
} from "../databank/driver.js";
import { lifeCycle } from "./life-cycle.js";
import { Changes, type Touching } from "./redis/changes.js";
import { type Connection, withoutCommand } from "./redis/connection.js";
import { Entries } from "./redis/entries.js";
import { toDigits } from "./redis/entry-text.js";
import { PERIOD_MS } from "./redis/index-scripts.js";
import { Keys } from "./redis/keys.js";
import { Listing } from "./redis/listing.js";
import { openConnection } from "./redis/open.js";
import { type RedisOptions, resolveOptions } from "./redis/options.js";
import { SearchIndex } from "./redis/search-index.js";
import { ServerClock } from "./redis/server-clock.js";

export type {
  RedisClientOptions,
  RedisHostOptions,
  RedisOptions,
  RedisUrlOptions,
} from "./redis/options.js";

const capabilities: Capabilities = {
  conditionalWrites: "atomic",
  clock: "database",
  expiryGranularityMs: 1,
  nativeExpiry: true,
  touch: "in-place",
  scan: true,
  search: true,
  durable: true,
  shared: true,
  maxValueBytes: 512 * 1024 * 1024 - 1024,
};

/** A connection, and what the driver does with it. */
interface Opened {
  readonly connection: Connection;
  readonly clock: ServerClock;
  readonly keys: Keys;
  readonly entries: Entries;
  readonly changes: Changes;
  readonly listing: Listing;
}

/** Stores entries as strings in Redis 6.2 or newer, or in Valkey, on one server or a cluster. */
export function redisDriver(options: RedisOptions): Driver {
  const settings = resolveOptions(options);
  const { isCluster } = settings;
  const { connected, connect, disconnect } = lifeCycle({
    open,
    prepare: (opened, schema) => ({ ...opened, index: new SearchIndex({ ...opened, schema }) }),
    close: ({ connection }) => connection.close(),
  });

  async function open(): Promise<Opened> {
    const connection = await openConnection(settings);
    const clock = new ServerClock(connection);
    const keys = new Keys(settings.prefix, connection.keyPrefix);
    const onCorrupt = (report: CorruptReport) => driver.onCorrupt?.(report);
    const parts = { connection, keys, clock, isCluster, onCorrupt };
    const entries = new Entries(parts);
    const listing = new Listing(connection, keys, entries);
    try {
      await clock.measure();
    } catch (error) {
      connection.close();
      throw error;
    }
    const changes = new Changes(parts, entries);
    return { connection, clock, keys, entries, changes, listing };
  }

  async function write(type: string, writes: readonly Write[]): Promise<readonly WriteResult[]> {
    const { clock, changes, index } = connected();
    const offset = clock.offset();
    const offsetMs = typeof offset === "number" ? offset : await offset;
    const isIndexed = index.has(type);
    const results = new Map<Write, WriteResult>();
    let left = writes.map((each) => {
      const digits = toDigits(each.expiresAt, offsetMs);
      return { write: each, digits, until: digits };
    });
    while (left.length > 0) {
      // First, so that no search misses what has been written, whatever happens in between.
      if (isIndexed) {
        const adding = left.map((each) =>
          index.add(type, each.write.id, each.write.json, each.until),
        );
        await Promise.all(adding);
      }
      const stored = await changes.store(
        type,
        left.map(({ write, digits, until }) => {
          return { write, digits, indexed: isIndexed ? { until, periodMs: PERIOD_MS } : undefined };
        }),
      );
      left = left.filter((each, i) => {
        const result = stored[i];
        if (typeof result === "object" && "later" in result) {
          each.until = result.later;
          return true;
        }
        if (result) results.set(each.write, result);
        return false;
      });
    }
    return writes.map((each) => results.get(each) ?? { conflict: null });
  }

  async function touch(
    type: string,
    touches: readonly Touch[],
  ): Promise<readonly (boolean | Error)[]> {
    const { clock, changes, index } = connected();
    const offset = clock.offset();
    const offsetMs = typeof offset === "number" ? offset : await offset;
    const periodMs = index.has(type) ? PERIOD_MS : undefined;
    const touching = touches.map(({ id, expiresAt }): Touching => {
      return { id, digits: toDigits(expiresAt, offsetMs), periodMs };
    });
    const found = await changes.touch(type, touching);
    if (found.every(isDone)) return found;
    return Promise.all(touching.map((each, i) => touched(type, each, found[i] ?? false)));
  }

  /** Adds the entry to its indices until its new deadline, and touches again, where it has to be. */
  async function touched(
    type: string,
    touching: Touching,
    found: boolean | StoredEntry | Error,
  ): Promise<boolean | Error> {
    if (isDone(found)) return found;
    const { changes, index } = connected();
    // First, like a write, and for the value that is there when the deadline is moved.
    await index.add(type, found.id, found.json, touching.digits);
    const again = { ...touching, indexed: found.version };
    const [next = false] = await changes.touch(type, [again]);
    return touched(type, again, next);
  }

  const driver: Driver = {
    name: "redis",
    capabilities,
    calling: {
      // On one server the keys of a turn are asked for, or changed, by one command, which in a
      // cluster there cannot be.
      immediate: isCluster ? ["read", "write", "touch", "del"] : ["del"],
      // A script stops the server for as long as it runs: some 10 microseconds for each key.
      maxBatch: 32,
      // The server takes them one after another anyway. If it is away, all shall hear of it at once.
      maxInFlight: 256,
    },

    connect,
    disconnect,

    async read(type, reads) {
      const { entries } = connected();
      if (reads.some(({ known }) => known !== undefined)) return entries.readKnown(type, reads);
      const ids = reads.map(({ id }) => id);
      return entries.read(type, ids);
    },

    write,
    touch,

    async del(type, deletions) {
      const { changes } = connected();
      return each(deletions, (member) => changes.del(type, member));
    },

    async scan(type, page) {
      return connected().listing.scan(type, page);
    },

    async search(type, criteria, page) {
      return connected().index.search(type, criteria, page);
    },

    async count(type, page) {
      const { ids, cursor } = await connected().listing.ids(type, page.cursor);
      return { live: ids.length, cursor };
    },

    async clear(type, page) {
      const { changes, listing } = connected();
      const { ids, cursor } = await listing.ids(type, page.cursor);
      const deleted = await Promise.all(ids.map((id) => changes.del(type, { id })));
      return { deleted: deleted.filter(Boolean).length, cursor };
    },

    // The server's answer may be due to one of the keys; without an answer there is no server.
    retry: (error) => (error instanceof Error && /^[A-Z]+ /.test(error.message) ? "each" : "never"),
  };
  return driver;
}

function isDone(touched: boolean | StoredEntry | Error): touched is boolean | Error {
  return typeof touched === "boolean" || touched instanceof Error;
}

/** What is wrong with one member does not spoil the others. */
function each<M, R>(
  members: readonly M[],
  apply: (member: M) => Promise<R>,
): Promise<readonly (R | Error)[]> {
  return Promise.all(members.map((member) => apply(member).catch(withoutCommand)));
}
