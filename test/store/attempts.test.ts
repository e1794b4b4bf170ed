import { describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type { Driver, StoredEntry } from "../../src/databank/driver.js";
import { nextVersion } from "../../src/databank/version.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import type { Logger } from "../../src/store/log.js";
import type { DatabankStoreOptions } from "../../src/store/options.js";
import { DatabankStore } from "../../src/store/store-class.js";
import { count } from "../../src/testing/driver/listing.js";

const CART = { cookie: { maxAge: 60_000 }, cart: 1 };

function storeOn(driver: Driver, options: DatabankStoreOptions = {}) {
  return new DatabankStore(new Databank(driver), { cleanupIntervalMs: 0, ...options });
}

describe("when somebody else is faster each time", () => {
  /** Before each of our writes, another process changes the entry. */
  function beset(): { driver: Driver; writes: () => number } {
    const memory = memoryDriver();
    let writes = 0;
    const driver: Driver = {
      ...memory,
      async write(type, members) {
        writes += 1;
        const current = await memory.read(
          type,
          members.map(({ id }) => ({ id })),
        );
        for (const [i, entry] of current.entries()) {
          const { id = "" } = members[i] ?? {};
          const old = entry as StoredEntry | null;
          const version = old ? nextVersion(old.version) : "other.0";
          const theirs = { json: '{"cookie":{}}', createdAt: 1, expiresAt: null };
          await memory.write(type, [{ id, version, ...theirs }]);
        }
        return memory.write(type, members);
      },
    };
    return { driver, writes: () => writes };
  }

  it("set, touch and update fail after 32 attempts, and say why", async () => {
    const { driver, writes } = beset();
    const store = storeOn(driver);
    const error = {
      code: "DATABANK_CONFLICT",
      message: expect.stringContaining("32 other writes"),
    };

    await expect(store.set("s", CART)).rejects.toMatchObject(error);
    expect(writes()).toBe(32);
    const [changed, touched] = [await store.get("s"), await store.get("s")];
    await expect(store.set("s", { ...changed, cart: 2 })).rejects.toMatchObject(error);
    expect(writes()).toBe(64);
    Object.assign(touched?.cookie ?? {}, { originalMaxAge: 1000 });
    await expect(store.touch("s", touched ?? {})).rejects.toMatchObject(error);
    expect(writes()).toBe(96);
    await expect(store.update("s", () => undefined)).rejects.toMatchObject(error);
    expect(writes()).toBe(128);
  });
});

describe("an error that nobody waits for", () => {
  const failing = (methods: readonly (keyof Driver)[]): Driver => {
    const fail = () => Promise.reject(new Error("down"));
    return { ...memoryDriver(), ...Object.fromEntries(methods.map((name) => [name, fail])) };
  };

  function logged() {
    const lines: unknown[][] = [];
    const log: Logger = {
      debug: () => {},
      error: (...args) => lines.push(args),
    };
    return { log, lines };
  }

  it("of a cleanup is logged, and the next cleanup comes", async () => {
    const { log, lines } = logged();
    const store = storeOn(failing(["deleteExpired"]), { log, cleanupIntervalMs: 5 });
    while (lines.length < 2) await new Promise((done) => setTimeout(done, 5));
    await store.close();

    expect(lines[1]).toEqual([
      { err: expect.objectContaining({ code: "DATABANK_DRIVER_FAILED" }) },
      "Error cleaning up sessions",
    ]);
  });

  it("of deleting an expired session of version 1 is logged, and the session is a miss", async () => {
    const { log, lines } = logged();
    const driver = failing(["del"]);
    const store = storeOn(driver, { log, ids: "classic" });
    const expired = { cookie: { expires: new Date(0) } };
    const entry = { id: "s", json: JSON.stringify(expired), version: "a.0", createdAt: 1 };
    await driver.write("session", [{ ...entry, expiresAt: null }]);

    expect(await store.get("s")).toBeNull();
    await new Promise((done) => setTimeout(done, 20));
    expect(lines.map(([, message]) => message)).toEqual(["Could not delete an expired session"]);
  });
});

describe("cleanup of sessions stored by version 1", () => {
  it("goes by their cookies, and spares what lives or has just expired", async () => {
    const driver = memoryDriver();
    const store = storeOn(driver, { ids: "classic" });
    const expires = { old: 1, recent: Date.now() - 5000, live: Date.now() + 60_000 };
    for (const [id, moment] of Object.entries(expires)) {
      const json = JSON.stringify({ cookie: { expires: new Date(moment) } });
      const entry = { id, json, version: "a.0", createdAt: 1, expiresAt: null };
      await driver.write("session", [entry]);
    }

    expect(await store.cleanup()).toBe(1);
    expect(await count(driver, "session")).toBe(2);
    expect(await store.ids()).toEqual(["live"]);
    expect(await store.length()).toBe(1);
  });
});

describe("a logger", () => {
  it("that says that it leaves debug lines out is not asked to write them", async () => {
    const lines: string[] = [];
    const log: Logger = {
      isLevelEnabled: (level) => level !== "debug",
      debug: () => lines.push("debug"),
      error: () => lines.push("error"),
    };
    const store = storeOn(memoryDriver(), { log });
    await store.set("s", CART);
    await store.set("s", { cookie: {}, n: 1n } as object).catch(() => {});

    expect(lines).toEqual(["error"]);
  });

  it("is told once that a databank gives weaker guarantees", async () => {
    const memory = memoryDriver();
    const capabilities = { ...memory.capabilities, conditionalWrites: "best-effort" as const };
    const warnings: unknown[][] = [];
    const log: Logger = {
      debug: () => {},
      error: () => {},
      warn: (...args) => warnings.push(args),
    };
    const store = storeOn({ ...memory, capabilities }, { log });
    await store.get("s");
    await store.get("s");

    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.[0]).toMatchObject({
      driver: "memory",
      guarantees: { logoutMeansLogout: "best-effort", noLostWrites: "best-effort" },
    });
  });
});
