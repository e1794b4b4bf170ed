import { invalidOption } from "../databank/options.js";
import { type DriverOptions, type NamedDriver, nameDriver } from "../databank/registry.js";
import type { CouchbaseOptions } from "./couchbase.js";
import type { DiskOptions } from "./disk.js";
import { type OptionKinds, pathAndOptions, urlAndOptions } from "./driver-url.js";
import type { DynamodbOptions } from "./dynamodb.js";
import type { LmdbOptions } from "./lmdb.js";
import type { MemcachedOptions } from "./memcached.js";
import type { MongodbOptions } from "./mongodb.js";
import type { MysqlOptions } from "./mysql.js";
import type { PostgresOptions } from "./postgres.js";
import type { RedisOptions } from "./redis.js";
import type { SqliteOptions } from "./sqlite.js";
import type { TieredOptions } from "./tiered.js";

/**
 * The drivers of this package. Each is loaded when a databank first needs it, and no other.
 *
 * A driver that takes its URL whole needs a name, its schemes and a loader.
 */
const catalog: readonly NamedDriver[] = [
  {
    name: "memory",
    optionNames: ["maxEntries", "data"],
    fromUrl(url) {
      const { path, options } = pathAndOptions(url, { maxEntries: "number" });
      if (path === "") return options;
      throw invalidOption(
        "A memory URL names nothing; options stand after ?: memory:?maxEntries=9",
      );
    },
    async load() {
      const { memoryDriver } = await import("./memory.js");
      const { withData } = await import("./memory/data.js");
      return ({ data = {}, ...options }) => withData(memoryDriver(options), data);
    },
  },
  {
    name: "disk",
    fromUrl(url) {
      const { path, options } = pathAndOptions(url, { durable: "boolean" });
      if (path === "") {
        throw invalidOption("A disk URL must name a folder, such as disk:./sessions");
      }
      return { dir: path, ...options };
    },
    async load() {
      const { diskDriver } = await import("./disk.js");
      return ({ dir, ...options }) => {
        const checked: unknown = { dir, ...options };
        return diskDriver(checked as DiskOptions);
      };
    },
  },
  {
    name: "sqlite",
    fromUrl: (url) => withUrl(url, {}),
    async load() {
      const { sqliteDriver } = await import("./sqlite.js");
      return (options) => {
        const checked: unknown = options;
        return sqliteDriver(checked as SqliteOptions);
      };
    },
  },
  {
    name: "dynamodb",
    fromUrl: (url) => withUrl(url, {}),
    async load() {
      const { dynamodbDriver } = await import("./dynamodb.js");
      return (options) => {
        const checked: unknown = options;
        return dynamodbDriver(checked as DynamodbOptions);
      };
    },
  },
  {
    name: "lmdb",
    fromUrl: (url) => withUrl(url, {}),
    async load() {
      const { lmdbDriver } = await import("./lmdb.js");
      return (options) => {
        const checked: unknown = options;
        return lmdbDriver(checked as LmdbOptions);
      };
    },
  },
  {
    name: "couchbase",
    schemes: ["couchbases"],
    fromUrl: (url) => withUrl(url, {}),
    async load() {
      const { couchbaseDriver } = await import("./couchbase.js");
      return (options) => {
        const checked: unknown = options;
        return couchbaseDriver(checked as CouchbaseOptions);
      };
    },
  },
  {
    name: "postgres",
    schemes: ["postgresql"],
    fromUrl: (url) => withUrl(url, {}),
    async load() {
      const { postgresDriver } = await import("./postgres.js");
      return (options) => {
        const checked: unknown = options;
        return postgresDriver(checked as PostgresOptions);
      };
    },
  },
  {
    name: "mysql",
    schemes: ["mariadb"],
    fromUrl: (url) => withUrl(url, {}),
    async load() {
      const { mysqlDriver } = await import("./mysql.js");
      return (options) => {
        const checked: unknown = options;
        return mysqlDriver(checked as MysqlOptions);
      };
    },
  },
  {
    name: "memcached",
    fromUrl: (url) => withUrl(url, {}),
    async load() {
      const { memcachedDriver } = await import("./memcached.js");
      return (options) => {
        const checked: unknown = options;
        return memcachedDriver(checked as MemcachedOptions);
      };
    },
  },
  {
    name: "mongodb",
    schemes: ["mongodb+srv"],
    fromUrl: (url) => withUrl(url, { createIndexes: "boolean", ttlIndex: "boolean" }),
    async load() {
      const { mongodbDriver } = await import("./mongodb.js");
      return (options) => {
        const checked: unknown = options;
        return mongodbDriver(checked as MongodbOptions);
      };
    },
  },
  {
    name: "redis",
    schemes: ["rediss", "redis+cluster", "rediss+cluster", "valkey", "valkeys"],
    fromUrl: (url) => withUrl(url, {}),
    async load() {
      const { redisDriver } = await import("./redis.js");
      return (options) => {
        const checked: unknown = options;
        return redisDriver(checked as RedisOptions);
      };
    },
  },
  {
    name: "tiered",
    // The rest of the URL is that of the store.
    fromUrl(url) {
      const ofStore = url.slice("tiered:".length);
      const { url: store, options } = urlAndOptions(ofStore, { maxStalenessMs: "number" });
      return { store, ...options };
    },
    async load() {
      const { tieredDriver } = await import("./tiered.js");
      return (options) => {
        const checked: unknown = options;
        return tieredDriver(checked as TieredOptions);
      };
    },
  },
];

/** The URL of a server for the client, and beside it what it says to the driver and the databank. */
function withUrl(url: string, kinds: OptionKinds): DriverOptions {
  const { url: rest, options } = urlAndOptions(url, kinds);
  return { url: rest, ...options };
}

/** Makes the drivers of this package known to `Databank.open` and `Databank.get`. */
export function registerDrivers(): void {
  for (const driver of catalog) nameDriver(driver);
}
