import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type { Driver } from "../../src/databank/driver.js";
import { newLife } from "../../src/databank/version.js";
import { lmdbDriver } from "../../src/drivers/lmdb.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { mysqlDriver } from "../../src/drivers/mysql.js";
import { postgresDriver } from "../../src/drivers/postgres.js";
import { redisDriver } from "../../src/drivers/redis.js";
import { sqliteDriver } from "../../src/drivers/sqlite.js";
import { tieredDriver } from "../../src/drivers/tiered.js";
import { testDriver } from "../../src/testing/index.js";
import { expectFidelity } from "../support/fidelity.js";
import { testOutages } from "../support/outages.js";
import { testPromises } from "../support/promises.js";
import { testServerDriver } from "../support/server-driver.js";
import { describeServer } from "../support/servers.js";

const dir = mkdtempSync(join(tmpdir(), "tiered-test-"));
afterAll(() => rmSync(dir, { recursive: true }));

/** Runs the driver's contract on a cache in front of a store. */
function testContract(store: () => Driver | string): void {
  testDriver(
    { describe, it },
    {
      async open(schema) {
        const driver = tieredDriver({ store: store() });
        await driver.connect(schema);
        return driver;
      },
    },
  );
}

/** Expects a driver to leave a long value out that the reader knows, which is what a cache is for. */
async function expectNoKnownValue(store: Driver): Promise<void> {
  await store.connect({});
  const version = newLife();
  const json = JSON.stringify("value".repeat(40_000));
  const written = { id: "a", json, version, createdAt: Date.now(), expiresAt: null };
  await store.write("known", [written]);
  await store.read("known", [{ id: "a" }]);

  const { json: _json, ...unchanged } = written;
  expect(await store.read("known", [{ id: "a", known: version }])).toEqual([unchanged]);
  await store.disconnect();
}

describe("in front of memory", () => {
  testContract(() => memoryDriver());
});

describe("in front of SQLite", () => {
  const storeIn = (url: string) => url.slice("tiered:".length);
  testServerDriver({
    name: "tiered",
    url: `tiered:sqlite:${dir}`,
    place: (url, name) => `${url}/${name}.db`,
    driver: (url) => tieredDriver({ store: storeIn(url) }),
    params: (url) => ({ store: storeIn(url) }),
  });
});

it("SQLite and LMDB send no value that is cached", async () => {
  await expectNoKnownValue(sqliteDriver({ url: `sqlite:${join(dir, "known.db")}` }));
  await expectNoKnownValue(lmdbDriver({ url: `lmdb:${join(dir, "known")}` }));
});

describe("without asking the store for a minute", () => {
  // The memory of one process is in one driver, so its stores share the databank.
  let bank: Databank | undefined;
  const memory = () => {
    bank ??= new Databank(tieredDriver({ store: memoryDriver(), maxStalenessMs: 60_000 }));
    return bank;
  };
  afterAll(() => bank?.disconnect());
  testPromises("tiered, a minute, memory", { bank: memory, frameworks: ["express 5"] });

  // Each store has a databank of its own, and so a cache.
  const url = () => `tiered:sqlite:${join(dir, "stale.db")}?maxStalenessMs=60000`;
  testPromises("tiered, a minute, SQLite", { bank: url, frameworks: ["express 5"] });

  it("gives back every value and every id as it was", () =>
    expectFidelity(() => Databank.open(url())));
});

describeServer("REDIS_URL", (url) => {
  describe("in front of Redis", () => {
    testContract(() => redisDriver({ url }));
    it("is sent no value that is cached", () => expectNoKnownValue(redisDriver({ url })));
    testOutages("redis", (own) => `tiered:${own}?maxStalenessMs=60000`);
  });
});

describeServer("POSTGRES_URL", (url) => {
  describe("in front of Postgres", () => {
    testContract(() => postgresDriver({ url, table: "tiered_contract" }));
    it("is sent no value that is cached", () =>
      expectNoKnownValue(postgresDriver({ url, table: "tiered_known" })));
  });
});

describeServer("MARIADB_URL", (url) => {
  it("MariaDB sends no value that is cached", () =>
    expectNoKnownValue(mysqlDriver({ url, table: "tiered_known" })));
});
