import { describe, expect, it } from "vitest";
import { resolveOptions as couchbase } from "../../src/drivers/couchbase/options.js";
import { resolveOptions as dynamodb } from "../../src/drivers/dynamodb/options.js";
import { resolveOptions as lmdb } from "../../src/drivers/lmdb/options.js";
import { resolveOptions as memcached } from "../../src/drivers/memcached/options.js";
import { resolveOptions as mongodb } from "../../src/drivers/mongodb/options.js";
import { resolveOptions as mysql } from "../../src/drivers/mysql/options.js";
import { resolveOptions as postgres } from "../../src/drivers/postgres/options.js";
import { resolveOptions as redis } from "../../src/drivers/redis/options.js";
import { resolveOptions as sqlite } from "../../src/drivers/sqlite/options.js";

/** How a driver's options are resolved, and what of them the test knows. */
interface Case {
  readonly resolve: (options: never) => object;
  /** What a program gives instead of a URL. */
  readonly own: string;
  readonly url: string;
  /** An option that the URL has, too. */
  readonly option: string;
  readonly value: string | boolean;
}

const cases: readonly Case[] = [
  { resolve: couchbase, own: "cluster", url: "couchbase://h/b?", option: "prefix", value: "p" },
  {
    resolve: dynamodb,
    own: "client",
    url: "dynamodb://r/t-1?",
    option: "createTable",
    value: false,
  },
  { resolve: lmdb, own: "database", url: "lmdb:./s?", option: "name", value: "n" },
  { resolve: memcached, own: "servers", url: "memcached://h?", option: "prefix", value: "p" },
  { resolve: mongodb, own: "client", url: "mongodb://h/d?", option: "ttlIndex", value: false },
  { resolve: mongodb, own: "db", url: "mongodb://h/d?", option: "createIndexes", value: false },
  { resolve: mysql, own: "pool", url: "mysql://h/d?", option: "table", value: "t" },
  { resolve: postgres, own: "pool", url: "postgres://h/d?", option: "table", value: "t" },
  { resolve: redis, own: "client", url: "redis://h?", option: "prefix", value: "p" },
  { resolve: sqlite, own: "database", url: "sqlite:./s.db?", option: "table", value: "t" },
];

describe.each(cases)("the options $own of $url", ({ resolve, own, url, option, value }) => {
  const settings = (options: unknown) => resolve(options as never);

  it("may be undefined beside a URL, and the URL holds", () => {
    const given = { [own]: undefined, [option]: undefined, url: `${url}${option}=${value}` };

    expect(settings(given)).toEqual(settings({ url: given.url }));
    expect(settings(given)).not.toEqual(settings({ url: url.slice(0, -1) }));
  });

  it("are named where they are undefined and there is no URL", () => {
    for (const options of [{ [own]: undefined }, { [own]: undefined, url: undefined }]) {
      expect(() => settings(options)).toThrow(expect.objectContaining({ message: names(own) }));
    }
  });
});

function names(option: string): unknown {
  return expect.stringMatching(new RegExp(`^${option} must be`));
}
