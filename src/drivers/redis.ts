import type {
  Capabilities,
  CorruptReport,
  Driver,
  Touch,
  Write,
  WriteResult,
} from "../databank/driver.js";
import { lifeCycle } from "./life-cycle.js";
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
    const entries = new Entries({ connection, keys, clock, isCluster, onCorrupt });
    const listing = new Listing(connection, keys, entries);
    try {
      await clock.measure();
    } catch (error) {
      connection.close();
      throw error;
    }
    return { connection, clock, keys, entries, listing };
  }

  async function write(type: string, member: Write): Promise<WriteResult> {
    const { clock, entries, index } = connected();
    const offset = clock.offset();
    const offsetMs = typeof offset === "number" ? offset : await offset;
    const digits = toDigits(member.expiresAt, offsetMs);
    for (let until = digits; ; ) {
      const indexed = index.has(type) ? { until, periodMs: PERIOD_MS } : undefined;
      // First, so that no search misses what has been written, whatever happens in between.
      if (indexed) await index.add(type, member.id, member.json, until);
      const result = await entries.store(type, member, digits, indexed);
      if (typeof result === "string" || !("later" in result)) return result;
      until = result.later;
    }
  }

  async function touch(type: string, { id, expiresAt }: Touch): Promise<boolean> {
    const { clock, entries, index } = connected();
    const offset = clock.offset();
    const offsetMs = typeof offset === "number" ? offset : await offset;
    const digits = toDigits(expiresAt, offsetMs);
    const periodMs = index.has(type) ? PERIOD_MS : undefined;
    for (let indexed: string | undefined; ; ) {
      const found = await entries.touch(type, id, digits, periodMs, indexed);
      if (typeof found === "boolean") return found;
      // First, like a write, and for the value that is there when the deadline is moved.
      await index.add(type, id, found.json, digits);
      indexed = found.version;
    }
  }

  const driver: Driver = {
    name: "redis",
    capabilities,
    // The client sends the commands of a turn together by itself. On one server the keys of a turn
    // are asked for, or changed, by one command, which in a cluster there cannot be.
    calling: { immediate: isCluster ? ["read", "write", "touch", "del"] : ["del"], maxBatch: 32, maxInFlight: 4 },

    connect,
    disconnect,

    async read(type, reads) {
      const { entries } = connected();
      if (reads.some(({ known }) => known !== undefined)) return entries.readKnown(type, reads);
      const ids = reads.map(({ id }) => id);
      return entries.read(type, ids);
    },

    write: (type, writes) => each(writes, (member) => write(type, member)),
    touch: (type, touches) => each(touches, (member) => touch(type, member)),
    del: (type, deletions) => each(deletions, (member) => connected().entries.del(type, member)),

    async scan(type, page) {
      return connected().listing.scan(type, page);
    },

    async search(type, criteria, page) {
      return connected().index.search(type, criteria, page);
    },

    async count(type) {
      let count = 0;
      for await (const ids of connected().listing.ids(type)) count += ids.length;
      return count;
    },

    async clear(type) {
      const { entries, listing } = connected();
      for await (const ids of listing.ids(type)) {
        await Promise.all(ids.map((id) => entries.del(type, { id })));
      }
    },

    // The server's answer may be due to one of the keys; without an answer there is no server.
    retry: (error) => (error instanceof Error && /^[A-Z]+ /.test(error.message) ? "each" : "never"),
  };
  return driver;
}

/** What is wrong with one member does not spoil the others. */
function each<M, R>(
  members: readonly M[],
  apply: (member: M) => Promise<R>,
): Promise<readonly (R | Error)[]> {
  return Promise.all(members.map((member) => apply(member).catch(withoutCommand)));
}
