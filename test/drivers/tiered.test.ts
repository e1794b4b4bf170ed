import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type { Driver } from "../../src/databank/driver.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { postgresDriver } from "../../src/drivers/postgres.js";
import { sqliteDriver } from "../../src/drivers/sqlite.js";
import { type TieredOptions, tieredDriver } from "../../src/drivers/tiered.js";
import { testDriver } from "../../src/testing/index.js";
import { crowd } from "../support/crowd.js";
import { expectDatabankTest } from "../support/databank-test.js";
import { expectFidelity } from "../support/fidelity.js";
import { testPromises } from "../support/promises.js";
import { describeServer } from "../support/servers.js";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "tiered-test-"));
});
afterAll(async () => {
  await rm(dir, { recursive: true });
});

const urlOf = (name: string) => `sqlite:${join(dir, `${name}.db`)}`;

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

describe("in front of memory", () => {
  testContract(() => memoryDriver());
});

describe("in front of SQLite", () => {
  testContract(() => sqliteDriver({ url: urlOf("contract") }));

  it("keeps the promise of databank-test", () => {
    expectDatabankTest("tiered", { store: urlOf("databank-test") });
  }, 120_000);

  it("gives back every value and every id as it was", () =>
    expectFidelity(() => Databank.open(`tiered:${urlOf("fidelity")}`)));

  const url = () => `tiered:${urlOf("promises")}`;
  testPromises("tiered", { bank: url, url, frameworks: ["express 5"] });

  it("loses nothing when four processes append to one entry", async () => {
    const to = `tiered:${urlOf("append")}`;

    await crowd(4, { url: to, task: "append", type: "inbox", count: 25 });

    const bank = Databank.open(to);
    const list = await bank.read("inbox", "list");
    await bank.disconnect();
    expect(new Set(list as readonly string[]).size).toBe(100);
  }, 60_000);
});

describe("without asking the store for a minute", () => {
  for (const [name, store] of [
    ["memory", () => memoryDriver()],
    ["SQLite", () => urlOf("stale")],
  ] as const) {
    // The stores of one process share the databank: two caches would not know of each other.
    let bank: Databank | undefined;
    const options = (): TieredOptions => ({ store: store(), maxStalenessMs: 60_000 });
    const shared = () => {
      bank ??= new Databank(tieredDriver(options()));
      return bank;
    };
    afterAll(() => bank?.disconnect());
    testPromises(`tiered, a minute, ${name}`, { bank: shared, frameworks: ["express 5"] });
  }

  it("gives back every value and every id as it was", () =>
    expectFidelity(() => Databank.open(`tiered:${urlOf("stale")}?maxStalenessMs=60000`)));
});

describeServer("POSTGRES_URL", (url) => {
  describe("in front of Postgres", () => {
    testContract(() => postgresDriver({ url, table: "tiered_contract" }));
  });
});
