import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { servers } from "../../scripts/servers/index.mjs";
import { Databank } from "../../src/databank/databank.js";
import type { Driver } from "../../src/databank/driver.js";
import { couchbaseDriver } from "../../src/drivers/couchbase.js";
import { diskDriver } from "../../src/drivers/disk.js";
import { dynamodbDriver } from "../../src/drivers/dynamodb.js";
import { lmdbDriver } from "../../src/drivers/lmdb.js";
import { memcachedDriver } from "../../src/drivers/memcached.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { mongodbDriver } from "../../src/drivers/mongodb.js";
import { mysqlDriver } from "../../src/drivers/mysql.js";
import { postgresDriver } from "../../src/drivers/postgres.js";
import { redisDriver } from "../../src/drivers/redis.js";
import { sqliteDriver } from "../../src/drivers/sqlite.js";
import { DatabankStore } from "../../src/store/store-class.js";
import { pagesOf, ROOT, textOf } from "../support/workshop.js";

/** The names that a page shows as code, at their beginning: `set(sid, session)` is `set`. */
function namesOf(page: string): Set<string> {
  const code = [...textOf(page).matchAll(/`([^`\n]+)`/g)].flatMap(([, text = ""]) =>
    text.match(/\w+/g),
  );
  return new Set(code.filter((name) => name !== null));
}

function missing(page: string, names: Iterable<string>): string[] {
  const shown = namesOf(page);
  return [...names].filter((name) => !shown.has(name));
}

/** The methods and accessors of an object that its class and those above it have. */
function membersOf(object: object, end: object): string[] {
  const names: string[] = [];
  let level: object | null = Object.getPrototypeOf(object);
  while (level !== null && level !== end) {
    names.push(...Object.getOwnPropertyNames(level));
    level = Object.getPrototypeOf(level);
  }
  return names.filter((name) => name !== "constructor");
}

/** The properties that an interface declares, by its text. */
function declaredIn(path: string, name: string): string[] {
  const [, body = ""] =
    new RegExp(`interface ${name}[^{]*\\{(.*?)^\\}`, "ms").exec(textOf(path)) ?? [];
  return [...body.matchAll(/^ {2}readonly "?([\w-]+)"?\??:/gm)].map(
    ([, property = ""]) => property,
  );
}

describe("docs/errors.md", () => {
  it("has a heading for each code, and no other", () => {
    const codes = textOf("src/databank/errors.ts").match(/(?<=^ {2}\| ")DATABANK_\w+/gm) ?? [];
    const headings = textOf("docs/errors.md").match(/(?<=^## ).+/gm) ?? [];

    expect(codes.length).toBeGreaterThan(10);
    expect(headings).toEqual([...codes]);
  });
});

describe("docs/store.md", () => {
  const store = new DatabankStore(new Databank(memoryDriver()), { cleanupIntervalMs: 0 });

  it("names every option", () => {
    const options = declaredIn("src/store/options.ts", "DatabankStoreOptions");

    expect(options.length).toBeGreaterThan(9);
    expect(missing("docs/store.md", options)).toEqual([]);
  });

  it("names every method", () => {
    const members = membersOf(store, Object.getPrototypeOf(Object.getPrototypeOf(store)));

    expect(members.length).toBeGreaterThan(12);
    expect(missing("docs/store.md", [...members, "load", "regenerate", "generate"])).toEqual([]);
  });

  it("names every event, outcome and part of the policy", () => {
    const { guarantees, ...policy } = store.policy();
    const outcomes = textOf("src/store/save.ts").match(/(?<=type Outcome = ).+(?=;)/)?.[0] ?? "";
    const words = outcomes.match(/\w+/g) ?? [];
    const events = Object.keys(store.counts).flatMap((event) => event.split("-"));

    expect(words).toHaveLength(5);
    expect(
      missing("docs/store.md", [
        ...words,
        ...events,
        ...Object.keys(policy),
        ...Object.keys(guarantees),
      ]),
    ).toEqual([]);
  });
});

describe("docs/databank.md", () => {
  it("names every method of a databank", () => {
    const members = membersOf(new Databank(memoryDriver()), Object.prototype);
    // Shared with the store and with databank objects; not for programs.
    const inner = ["answer", "tellCorrupt"];
    const outer = members.filter((name) => !inner.includes(name));

    expect(outer.length).toBeGreaterThan(35);
    expect(missing("docs/databank.md", outer)).toEqual([]);
  });
});

describe("docs/test-servers.md", () => {
  const compose = textOf("compose.yaml");
  const services = compose.match(/(?<=^ {2})[\w-]+(?=:$)/gm) ?? [];

  it("names every service of compose.yaml, and every variable of the test servers", () => {
    expect(services.length).toBeGreaterThan(8);
    const table = textOf("docs/test-servers.md");
    const names = [...services, ...servers.map(({ env }) => env)];
    expect(names.filter((name) => !new RegExp(`[\`= ]${name}[\`= ]`).test(table))).toEqual([]);
  });

  it("is right in that the services are on the loopback interface only, at the ports of its URLs", () => {
    const published = (compose.match(/(?<=ports: ).+/g) ?? []).flatMap((line): string[] =>
      JSON.parse(line),
    );
    const ports = published.flatMap((each) => /^127\.0\.0\.1:([\d-]+):/.exec(each)?.[1] ?? []);
    const inUrls = textOf("docs/test-servers.md").match(/(?<=@?127\.0\.0\.1:)\d+/g) ?? [];

    expect(ports).toHaveLength(published.length);
    expect(inUrls.length).toBeGreaterThan(6);
    expect(inUrls.filter((port) => !ports.includes(port))).toEqual([]);
  });
});

describe("the page of each driver", () => {
  const pages = pagesOf().filter((page) => /^docs\/drivers\/\w+\.md$/.test(page));

  it.each(pages)("has the same sections, and a place in README.md: %s", (page) => {
    const headings = textOf(page).match(/(?<=^## ).+/gm) ?? [];

    expect([...headings]).toEqual([
      "When to use it",
      "Install",
      "Use",
      "Options",
      "What it stores",
      "Permissions it needs",
      "How sessions expire",
      "Limits",
    ]);
    expect(textOf("README.md")).toContain(`(${page})`);
  });

  it.each(pages)("has a row for each option: %s", (page) => {
    const name = basename(page, ".md");
    const own = `src/drivers/${name}/options.ts`;
    const source = textOf(existsSync(join(ROOT, own)) ? own : `src/drivers/${name}.ts`);
    const interfaces = [...source.matchAll(/interface (\w*Options)\b[^{]*\{(.*?)^\}/gms)];
    const options = interfaces.flatMap(([, , body = ""]) =>
      [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, option = ""]) => option),
    );
    const rows = [...textOf(page).matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)].flatMap(
      ([, cell = ""]) => cell.match(/\w+/g) ?? [],
    );

    expect(options.length).toBeGreaterThan(0);
    expect([...new Set(options)].filter((option) => !rows.includes(option))).toEqual([]);
  });

  it("is there for each driver of the package", () => {
    const { exports } = JSON.parse(textOf("package.json")) as { exports: object };
    const names = Object.keys(exports).flatMap((path) => path.match(/(?<=^\.\/drivers\/).+/) ?? []);

    expect(pages.map((page) => basename(page, ".md")).toSorted()).toEqual(names.toSorted());
  });
});

describe("the table of README.md", () => {
  const row = /^\| \[`(\w+):[^|]*\|[^|]*\| ([^|]+) \| ([^|]+) \| ([^|]+) \| (\w+) \|$/gm;
  const rows = [...textOf("README.md").matchAll(row)].map(([, name = "", ...cells]) => {
    return [name, cells] as const;
  });
  // A driver that is not connected yet; those without a place of their own take it from here.
  const drivers: Record<string, () => Driver> = {
    memory: () => memoryDriver(),
    disk: () => diskDriver({ dir: "sessions" }),
    sqlite: () => sqliteDriver({ url: "sqlite:./sessions.db" }),
    lmdb: () => lmdbDriver({ url: "lmdb:./sessions" }),
    postgres: () => postgresDriver({ url: "postgres://host/db" }),
    mysql: () => mysqlDriver({ url: "mysql://host/db" }),
    redis: () => redisDriver({ url: "redis://host" }),
    dynamodb: () => dynamodbDriver({ url: "dynamodb://region/table" }),
    memcached: () => memcachedDriver({ url: "memcached://host" }),
    mongodb: () => mongodbDriver({ url: "mongodb://host/db" }),
    couchbase: () => couchbaseDriver({ url: "couchbase://host/bucket" }),
  };

  it("has a row for each driver with a database of its own", () => {
    expect(rows.map(([name]) => name).toSorted()).toEqual(Object.keys(drivers).toSorted());
  });

  it.each(rows)(
    "says what the driver guarantees: %s",
    (name, [survives, shared, expires, writes]) => {
      const capabilities = drivers[name]?.().capabilities;
      const isYes = (cell = "") => cell.startsWith("yes");

      expect(isYes(shared)).toBe(capabilities?.shared);
      if (name !== "mongodb") {
        // Of MongoDB the URL and the server decide, which the driver sees when it connects.
        expect(isYes(survives)).toBe(capabilities?.durable);
        expect(isYes(expires)).toBe(capabilities?.nativeExpiry);
      }
      expect(writes).toBe(capabilities?.conditionalWrites);
    },
  );
});
