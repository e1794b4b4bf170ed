import { randomUUID } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import type { ServerName } from "../../scripts/servers/index.mjs";
import { Databank } from "../../src/databank/databank.js";
import type { Driver, Schema } from "../../src/databank/driver.js";
import type { DriverOptions } from "../../src/databank/registry.js";
import { newLife } from "../../src/databank/version.js";
import { DatabankStore } from "../../src/store/store-class.js";
import { testDriver } from "../../src/testing/index.js";
import { type AnyStore, testStore } from "../../src/testing/store-contract.js";
import { crowd, type Started } from "./crowd.js";
import { expectDatabankTest } from "./databank-test.js";
import { expectFidelity } from "./fidelity.js";
import { testOutages } from "./outages.js";
import { testPromises } from "./promises.js";

const HOUR_MS = 3_600_000;

/** What the tests that every driver of a server must pass need to know of one. */
export interface ServerDriver {
  /** The driver's name for `Databank.get`. */
  readonly name: string;
  /** The server's URL, from the environment. */
  readonly url: string;
  /** A databank's URL for a place of its own on a server, which is empty at first. */
  readonly place: (url: string, name: string) => string;
  /** A new driver for a databank's URL. */
  readonly driver: (url: string) => Driver;
  /** What `Databank.get` is given for a databank's URL; the URL as `url` where left out. */
  readonly params?: (url: string) => DriverOptions;
  /** The server to end and to start again; left out where the driver has outage tests of its own. */
  readonly server?: ServerName;
  /** Whether the database can list entries, without which databank-test has nothing to go by. */
  readonly scans?: boolean;
}

/** The tests that every driver of a server must pass, each in a place of its own on the server. */
export function testServerDriver(options: ServerDriver): void {
  const { name, url, driver, server, scans = true, params = (to) => ({ url: to }) } = options;
  const run = randomUUID().slice(0, 8);
  const place = (what: string) => options.place(url, `${what}_${run}`);

  async function connected(to: string, schema: Schema = {}): Promise<Driver> {
    const opened = driver(to);
    await opened.connect(schema);
    return opened;
  }

  testDriver({ describe, it }, { open: (schema) => connected(place("contract"), schema) });

  testStore(
    { describe, it },
    {
      promises: true,
      lists: scans,
      open: async () => {
        const bank = Databank.open(place("store"));
        const store = new DatabankStore(bank, { type: `session ${randomUUID()}` });
        const any: unknown = store;
        const close = async () => {
          await store.close();
          await bank.disconnect();
        };
        return { store: any as AnyStore, close };
      },
    },
  );

  if (scans) {
    it("keeps the promise of databank-test", () => {
      expectDatabankTest(name, { ...params(place("classic")), timeoutMs: 30_000 });
    });
  }

  it(
    "gives back every value and every id as it was",
    () => expectFidelity(() => Databank.open(place("fidelity"))),
    600_000,
  );

  const shared = () => place("promises");
  testPromises(name, { bank: shared, url: shared, frameworks: ["express 5"] });

  it("lets eight processes start at once where nothing is there yet", async () => {
    const to = place("start");
    const schema = { session: { indices: ["user.id", "tag"] } };

    const results = await crowd(8, { url: to, schema, task: "start", type: "session", count: 20 });

    const started = results as readonly Started[];
    const bank = Databank.open(to);
    const ids = started.flatMap(({ own }) => own);
    const found = Object.values(await bank.readAll("session", ids));
    await bank.disconnect();
    expect(started.filter(({ isFirst }) => isFirst).length).toBe(1);
    expect(found.length).toBe(160);
    expect(found).not.toContain(null);
  });

  it("loses nothing when four processes append to one entry", async () => {
    const to = place("append");

    await crowd(4, { url: to, task: "append", type: "inbox", count: 25 });

    const bank = Databank.open(to);
    const list = await bank.read("inbox", "list");
    await bank.disconnect();
    expect(new Set(list as readonly string[]).size).toBe(100);
  });

  it("lets five processes clean up together: each expired entry once, and none that is live", async () => {
    const to = place("cleanup");
    const cleaner = await connected(to);
    if (!cleaner.deleteExpired) {
      expect(cleaner.capabilities.nativeExpiry).toBe(true);
      await cleaner.disconnect();
      return;
    }
    const { expired, touched } = await writeExpired(cleaner);

    const deleted = await crowd(5, { url: to, task: "cleanUp", type: "session" });

    const total = (deleted as readonly number[]).reduce((sum, each) => sum + each, 0);
    expect(total).toBe(expired.length);
    const found = await cleaner.read(
      "session",
      touched.map((id) => ({ id })),
    );
    expect(found).not.toContain(null);
    await cleaner.disconnect();
  });

  if (server) testOutages(server, (own) => options.place(own, "outage"));
}

/** Stores entries that have expired, and some that a touch has saved. */
async function writeExpired(driver: Driver) {
  const isOwnClock = driver.capabilities.clock === "database";
  // A database's clock cannot be turned back, so its entries live for a moment.
  const now = isOwnClock ? Date.now() : Date.now() - HOUR_MS;
  const lifeMs = isOwnClock ? 5000 : 1;
  const clock = isOwnClock ? undefined : vi.spyOn(Date, "now").mockReturnValue(now);
  const entry = (id: string) => ({
    id,
    json: "{}",
    version: newLife(),
    createdAt: now,
    expiresAt: now + lifeMs,
  });
  const expired = Array.from({ length: 1000 }, (_, i) => `expired ${i}`);
  const touched = Array.from({ length: 100 }, (_, i) => `touched ${i}`);
  const ids = [...expired, ...touched];
  for (let i = 0; i < ids.length; i += 100) {
    await driver.write("session", ids.slice(i, i + 100).map(entry));
  }
  const results = await driver.touch(
    "session",
    touched.map((id, i) => ({ id, expiresAt: i % 2 ? now + 2 * HOUR_MS : null })),
  );
  clock?.mockRestore();
  expect(results).toEqual(touched.map(() => true));
  if (isOwnClock) await new Promise((resolve) => setTimeout(resolve, lifeMs + 1500));
  return { expired, touched };
}
