import { inspect } from "node:util";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type { Driver } from "../../src/databank/driver.js";
import { registerDrivers } from "../../src/drivers/catalog.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import type { DatabankStoreOptions } from "../../src/store/options.js";
import { connectDatabank, DatabankStore } from "../../src/store/store-class.js";
import { countingDriver } from "../support/hosted-store.js";
import { waitFor } from "../support/wait.js";

const DAY_MS = 86_400_000;

function open(options: DatabankStoreOptions = {}, driver: Driver = memoryDriver()) {
  const bank = new Databank(driver);
  return { bank, store: new DatabankStore(bank, { cleanupIntervalMs: 0, ...options }) };
}

const session = (data: object = {}, cookie: object = { maxAge: 60_000 }) => ({ cookie, ...data });

/** With a Date in it, because newer runtimes make JSON of what is all plain without the stack. */
function nested(levels: number): object {
  let object: object = { leaf: new Date(0) };
  for (let level = 1; level < levels; level += 1) object = { inner: object };
  return object;
}

/** About how many levels there is room for on the stack. */
function mostLevels(): number {
  for (let levels = 500; ; levels += 100) {
    try {
      JSON.stringify(nested(levels));
    } catch {
      return levels - 100;
    }
  }
}

afterEach(() => {
  vi.useRealTimers();
});

describe("callbacks", () => {
  it("are found wherever they stand, and called once, later, with null first", async () => {
    const { store } = open();
    const calls: unknown[][] = [];
    await new Promise<void>((done) => {
      void store.set("s", session(), (...args: unknown[]) => {
        calls.push(args);
        void store.set("s", session(), 5000, (...args: unknown[]) => {
          calls.push(args);
          done();
        });
        expect(calls).toHaveLength(1);
      });
      expect(calls).toHaveLength(0);
    });

    expect(calls).toEqual([
      [null, "created"],
      [null, "written"],
    ]);
  });

  it("get the error, and the promise beside them does not reject", async () => {
    const { store } = open();
    let given: unknown;
    const promise = store.set("s", session({ n: 1n }), (error) => {
      given = error;
    });
    await expect(promise).resolves.toBeUndefined();
    await new Promise((done) => setImmediate(done));

    expect(given).toMatchObject({ code: "DATABANK_INVALID_VALUE" });
  });

  it("that throw are the application's business and are not called again", async () => {
    const { store } = open();
    const uncaught = new Promise((resolve) => {
      const listeners = process.listeners("uncaughtException");
      process.removeAllListeners("uncaughtException");
      process.once("uncaughtException", (error) => {
        for (const listener of listeners) process.on("uncaughtException", listener);
        resolve(error);
      });
    });
    let calls = 0;
    void store.get("s", () => {
      calls += 1;
      throw new Error("thrown by the application");
    });

    expect(await uncaught).toMatchObject({ message: "thrown by the application" });
    expect(calls).toBe(1);
  });
});

describe("options", () => {
  it.each([
    [{ ttl: 5 }, /no option ttl; did you mean ttlMs/],
    [{ ttlMs: 0 }, /ttlMs must be a whole number from 1/],
    [{ ttlMs: "1 day" }, /ttlMs/],
    [{ absoluteTimeoutMs: -1 }, /absoluteTimeoutMs/],
    [{ cleanupIntervalMs: 2 ** 31 }, /cleanupIntervalMs/],
    [{ touchIntervalMs: 1.5 }, /touchIntervalMs/],
    [{ type: "" }, /type/],
    [{ ids: "plain" }, /ids must be one of hashed, classic, upgrade/],
    [{ maxBytes: 0 }, /maxBytes/],
    [{ resolve: "mine" }, /resolve/],
    [{ log: {} }, /log must be a logger/],
    [{ pepper: "" }, /pepper/],
  ])("%o is refused with advice", (options, advice) => {
    expect(() => open(options as DatabankStoreOptions)).toThrow(
      expect.objectContaining({
        code: "DATABANK_INVALID_OPTION",
        message: expect.stringMatching(advice),
      }),
    );
  });

  it("something that is no databank is refused with advice", () => {
    expect(() => new DatabankStore({} as Databank)).toThrow(/needs a databank/);
    expect(() => connectDatabank({})).toThrow(/no session module/);
  });

  it("of version 1 are a logger or nothing, and a pause or none", async () => {
    const make = (...args: unknown[]): DatabankStore =>
      Reflect.construct(DatabankStore, [new Databank(memoryDriver()), ...args]);
    for (const [args, cleanupIntervalMs] of [
      [[], 0],
      [[null], 0],
      [[null, 600_000], 600_000],
      [[undefined, "600000"], 600_000],
      [[false, 0], 0],
      [[{ debug: () => {}, error: () => {} }, 600_000], 600_000],
      [[{ ttlMs: 5 }, undefined], 900_000],
    ] as const) {
      const store = make(...args);
      expect(store.policy().cleanupIntervalMs).toBe(cleanupIntervalMs);
      await store.close();
    }
    for (const [args, advice] of [
      [[{ ttlMs: 5 }, 600_000], /log must be a logger/],
      [["info", 600_000], /log must be a logger/],
      [[null, -1], /cleanupIntervalMs must be a whole number/],
      [[null, "often"], /cleanupIntervalMs must be a whole number/],
      [[600_000], /options of DatabankStore must be an object/],
    ] as const) {
      expect(() => make(...args)).toThrow(advice);
    }
  });

  it("ttlMs may be longer than a timer can wait", async () => {
    const { store } = open({ ttlMs: 90 * DAY_MS });
    await store.set("s", session({}, {}));

    expect(await store.get("s")).not.toBeNull();
  });
});

describe("expiry", () => {
  it("comes from the cookie, and from ttlMs where the cookie says nothing", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
    const { bank, store } = open({ ttlMs: 7000 });
    const deadlines: unknown[] = [];
    for (const cookie of [
      { expires: new Date(1_005_000) },
      { expires: new Date(1_005_000).toISOString() },
      { expires: 1_005_000 },
      { maxAge: 5000 },
      { originalMaxAge: 5000 },
      { expires: new Date(Number.NaN) },
      { expires: false },
      {},
    ]) {
      await store.set("s", session({}, cookie));
      for await (const { expiresAt } of bank.scan("session")) deadlines.push(expiresAt);
      await store.destroy("s");
    }

    expect(deadlines).toEqual([...Array(5).fill(1_005_000), ...Array(3).fill(1_007_000)]);
  });

  it("is never, where neither the cookie nor ttlMs says anything", async () => {
    const { bank, store } = open();
    await store.set("s", session({}, {}));

    for await (const { expiresAt } of bank.scan("session")) expect(expiresAt).toBeNull();
  });

  it("a lifetime given beside the session counts before its cookie", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
    const { bank, store } = open();
    await store.set("s", session({}, { maxAge: 60_000 }), 2000);

    for await (const { expiresAt } of bank.scan("session")) expect(expiresAt).toBe(1_002_000);
  });

  it("get, all and reload show a cookie.expires that agrees with the deadline", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
    const { store } = open();
    await store.set("s", session());
    vi.setSystemTime(1_030_000);
    await store.touch("s", session());

    const expires = new Date(1_090_000).toISOString();
    expect((await store.get("s"))?.cookie).toMatchObject({ expires });
    expect((await store.all())?.[0]?.cookie).toMatchObject({ expires });
  });

  it("by ttlMs leaves the cookie one that ends with the browser", async () => {
    const { store } = open({ ttlMs: 60_000 });
    await store.set("s", session({}, { originalMaxAge: null, expires: null }));

    const cookie = { originalMaxAge: null, expires: null };
    expect((await store.get("s"))?.cookie).toEqual(cookie);
    expect((await store.all())?.[0]?.cookie).toEqual(cookie);
  });

  it("a missing originalMaxAge is filled with the time that remains", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
    const { store } = open();
    await store.set("s", session({}, { expires: new Date(1_060_000) }));
    vi.setSystemTime(1_010_000);

    expect((await store.get("s"))?.cookie.originalMaxAge).toBe(50_000);
  });

  it("comes to no session in use, though its life is no longer than touchIntervalMs", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
    const { driver, calls } = countingDriver();
    const { store } = open({ touchIntervalMs: 3_600_000 }, driver);
    await store.set("s", session());
    for (let now = 1_000_000; now < 1_600_000; now += 10_000) {
      vi.setSystemTime(now);
      const found = await store.get("s");
      if (!found) throw new Error("The session has ended");
      const expires = new Date(now + 60_000).toISOString();
      await store.touch("s", Object.assign(found, { cookie: { ...found.cookie, expires } }));
    }

    // Every thirty seconds.
    expect(calls.touch).toBe(19);
  });

  it("absoluteTimeoutMs ends a session however often it is touched", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
    const { store } = open({ absoluteTimeoutMs: 100_000 });
    await store.set("s", session());
    for (let now = 1_000_000; now < 1_100_000; now += 20_000) {
      vi.setSystemTime(now);
      expect(await store.touch("s", session())).toBe("touched");
      await store.set("s", session({ now }));
    }
    vi.setSystemTime(1_100_000);

    expect(await store.get("s")).toBeNull();
    expect(await store.all()).toEqual([]);
  });

  it.each([
    [1000.4, 1_001_000],
    [Number.MAX_VALUE, 253_402_300_799_999],
    [-Number.MAX_VALUE, 0],
  ])(
    "with a lifetime of %d beside the session is a moment that databases can hold",
    async (ttlMs, end) => {
      vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
      const memory = memoryDriver();
      const deadlines: unknown[] = [];
      const noting: Driver = {
        ...memory,
        write(type, writes) {
          deadlines.push(...writes.map(({ expiresAt }) => expiresAt));
          return memory.write(type, writes);
        },
        touch(type, touches) {
          deadlines.push(...touches.map(({ expiresAt }) => expiresAt));
          return memory.touch(type, touches);
        },
      };
      const { store } = open({}, noting);
      await store.set("s", session(), ttlMs);
      await store.touch("s", session(), ttlMs);

      expect(deadlines).toEqual([end, end]);
    },
  );

  it("stays as it is where an update gives new data without a cookie", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
    const { bank, store } = open();
    await store.set("s", session({ user: "ann" }));
    await store.update("s", () => Object({ user: "bob" }));
    await store.update("s", (found) => {
      Reflect.deleteProperty(found, "cookie");
      return undefined;
    });

    for await (const { expiresAt } of bank.scan("session")) expect(expiresAt).toBe(1_060_000);
    expect(await store.get("s")).toMatchObject({ user: "bob", cookie: { originalMaxAge: 60_000 } });
  });

  it("an endless absoluteTimeoutMs is no later than databases can hold", async () => {
    const { bank, store } = open({ absoluteTimeoutMs: Number.MAX_SAFE_INTEGER });
    await store.set("s", session({}, {}));

    for await (const { expiresAt } of bank.scan("session")) {
      expect(expiresAt).toBe(253_402_300_799_999);
    }
  });

  it("a later, stricter absoluteTimeoutMs holds for older sessions", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
    const { bank, store } = open();
    await store.set("s", session());
    vi.setSystemTime(1_010_000);
    const strict = new DatabankStore(bank, { absoluteTimeoutMs: 5000 });

    expect(await strict.get("s")).toBeNull();
    await strict.close();
  });
});

describe("ids", () => {
  it("reach the driver hashed, in a fixed alphabet, and stand in no value", async () => {
    const { bank, store } = open();
    await store.set("a secret id", session({ user: "ann" }));

    for await (const entry of bank.scan("session")) {
      expect(entry.id).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
      expect(inspect(entry, { depth: 9 })).not.toContain("a secret id");
    }
  });

  it("under which a session is stored open no session", async () => {
    for (const ids of ["hashed", "classic", "upgrade"] as const) {
      const { bank, store } = open();
      await store.set("s", session());
      const reader = new DatabankStore(bank, { ids, cleanupIntervalMs: 0 });
      for await (const { id } of bank.scan("session")) {
        expect(await reader.get(id)).toBeNull();
      }
    }
  });

  it("depend on the pepper", async () => {
    const { bank, store } = open({ pepper: "one" });
    await store.set("s", session());

    expect(await store.get("s")).not.toBeNull();
    expect(await new DatabankStore(bank, { pepper: "two" }).get("s")).toBeNull();
  });

  it("that differ in nothing but lone surrogates are different", async () => {
    const { store } = open();
    await store.set("\ud800", session({ n: 1 }));

    expect(await store.get("\udbff")).toBeNull();
    expect(await store.get("\ufffd")).toBeNull();
  });

  it("are listed by a classic store, and by no other", async () => {
    const { bank, store } = open({ ids: "classic" });
    await store.set("one", session());
    const hashed = new DatabankStore(bank, { cleanupIntervalMs: 0 });

    expect(await store.ids()).toEqual(["one"]);
    await expect(hashed.ids()).rejects.toMatchObject({ code: "DATABANK_NOT_IMPLEMENTED" });
  });

  it("stand in what a classic store keeps, and a copy of an older session's is put right", async () => {
    const { bank, store } = open({ ids: "classic" });
    await store.set("old", session({ n: 1 }));
    const old = (await store.get("old")) ?? { cookie: {} };
    await store.set("inserted", session({ ...old, cookie: { maxAge: 60_000 } }));
    await store.set("loaded", session());
    const loaded = (await store.get("loaded")) ?? { cookie: {} };
    await store.set("loaded", Object.assign(loaded, { sid: "old", n: 2 }));

    await bank.save("session", "without", session());
    const without = (await store.get("without")) ?? { cookie: {} };
    await store.set("without", Object.assign(without, { n: 3 }));

    const sids: Record<string, unknown> = {};
    for await (const { id, value } of bank.scan("session")) sids[id] = Object(value).sid;
    for (const [id, sid] of Object.entries(sids)) expect(sid).toBe(id);
    expect(Object.keys(sids)).toHaveLength(4);
    expect(store.counts.conflict).toBe(0);
  });

  it("that are no text are a miss, without a call to the driver", async () => {
    const { driver, calls } = countingDriver();
    const { store } = open({}, driver);
    const odd = [undefined, null, 0, 1, {}, [], ["s"], new String("s"), Symbol("s"), () => {}, ""];
    for (const sid of odd as string[]) {
      expect(await store.get(sid)).toBeNull();
      expect(await store.touch(sid, session())).toBe("gone");
      await store.destroy(sid);
      await expect(store.set(sid, session())).rejects.toMatchObject({
        code: "DATABANK_INVALID_OPTION",
      });
    }

    expect(calls).toEqual({ read: 0, write: 0, touch: 0, del: 0 });
  });

  it("of 10 000 hostile kinds are ordinary ids", async () => {
    const { store } = open();
    const hostile = fc.oneof(
      fc.string({ unit: "binary", minLength: 1, maxLength: 300 }),
      fc
        .array(fc.integer({ min: 0, max: 0xffff }), { minLength: 1, maxLength: 40 })
        .map((codes) => String.fromCharCode(...codes)),
      fc.constantFrom("__proto__", "constructor", "toString", "../../etc/passwd", "a\r\nb", "a\0"),
      fc.string({ minLength: 1 }).map((text) => text.repeat(200)),
    );
    await fc.assert(
      fc.asyncProperty(hostile, async (sid) => {
        await store.set(sid, session({ sid }));
        const { cookie: _, ...data } = (await store.get(sid)) ?? { cookie: {} };
        expect(data).toEqual({ sid });
        await store.destroy(sid);
        expect(await store.get(sid)).toBeNull();
      }),
      { numRuns: 10_000 },
    );
    expect(await store.length()).toBe(0);
  });
});

describe("upgrade", () => {
  it("finds a classic session, rewrites it under its hash, and destroys both", async () => {
    const { bank, store: old } = open({ ids: "classic" });
    await old.set("s", session({ user: "ann" }));
    const store = new DatabankStore(bank, { ids: "upgrade", cleanupIntervalMs: 0 });

    expect(await store.get("s")).toMatchObject({ user: "ann" });
    expect(await bank.find("session", "s")).toBeNull();
    expect(await bank.count("session")).toBe(1);
    await old.set("s", session({ user: "ann" }));
    await store.destroy("s");
    expect(await bank.count("session")).toBe(0);
  });

  it("does not undo a logout that comes in between", async () => {
    const memory = memoryDriver();
    const { bank, store: old } = open({ ids: "classic" }, memory);
    await old.set("s", session({ user: "ann" }));
    const destroyer = new DatabankStore(bank, { ids: "upgrade", cleanupIntervalMs: 0 });
    // The logout is complete just before the rewritten session reaches the database.
    const gated: Driver = {
      ...memory,
      write: async (type, writes) => {
        await destroyer.destroy("s");
        return memory.write(type, writes);
      },
    };
    const store = new DatabankStore(new Databank(gated), { ids: "upgrade", cleanupIntervalMs: 0 });

    expect(await store.get("s")).toBeNull();
    expect(await bank.count("session")).toBe(0);
  });
});

describe("robustness", () => {
  it("a damaged entry is a miss and an event, and breaks nothing else", async () => {
    const { bank, store } = open({ ids: "classic" });
    const events: unknown[] = [];
    store.on("corrupt", (event) => events.push(event));
    await store.set("good", session());
    await bank.save("session", "text", "not a session");
    await bank.save("session", "list", [1]);
    const entry = { version: "a.0", createdAt: 0, expiresAt: null };
    await bank.collector.write("session", { id: "torn", json: '{"cookie":', ...entry });

    const eventsOf = async (task: Promise<unknown>) => {
      events.length = 0;
      await task;
      await new Promise((done) => setTimeout(done));
      return events.length;
    };

    for (const sid of ["text", "list", "torn"]) {
      const got = store.get(sid);
      expect(await eventsOf(got)).toBe(1);
      expect(await got).toBeNull();
    }
    const all = store.all();
    expect(await eventsOf(all)).toBe(3);
    expect(await all).toHaveLength(1);
    expect(JSON.stringify(events)).not.toContain("torn");
    expect(await store.length()).toBe(1);
    await expect(store.cleanup()).resolves.toBe(0);
  });

  it("a damaged entry's event quotes nothing of it", async () => {
    const { bank, store } = open({ ids: "classic" });
    const events: unknown[] = [];
    store.on("corrupt", (event) => events.push(event));
    const entry = { version: "a.0", createdAt: 0, expiresAt: null };
    await bank.collector.write("session", { id: "s", json: '{"pw":hunter2}', ...entry });

    expect(await store.get("s")).toBeNull();
    await new Promise((done) => setTimeout(done));

    expect(events).toHaveLength(1);
    expect(inspect(events, { depth: 9 })).not.toContain("hunter2");
  });

  it("a session over maxBytes is refused before anything is sent", async () => {
    const { driver, calls } = countingDriver();
    const { store } = open({ maxBytes: 100 }, driver);

    await expect(store.set("s", session({ text: "ä".repeat(60) }))).rejects.toMatchObject({
      code: "DATABANK_VALUE_TOO_LARGE",
    });
    expect(calls.write).toBe(0);
  });

  it("what is nested almost too deep for JSON is saved again, merged, and never lost", async () => {
    const { store } = open();
    const deep = nested(Math.floor(0.9 * mostLevels()));
    await store.set("s", session({ deep, seen: 0 }));
    for (let round = 1; round <= 3; round += 1) {
      const [mine, theirs] = [await store.get("s"), await store.get("s")];
      if (!mine || !theirs) throw new Error("The session is lost");
      expect(await store.set("s", Object.assign(theirs, { seen: round }))).toBe("written");
      expect(await store.set("s", Object.assign(mine, { [round]: "mine" }))).toBe("merged");
    }
    const last = await store.get("s");

    expect(last).toMatchObject({ seen: 3, 1: "mine", 2: "mine", 3: "mine" });
    expect(JSON.stringify(last?.deep)).toBe(JSON.stringify(deep));
    expect(store.counts).toMatchObject({ conflict: 0, corrupt: 0 });
  });

  it("what is nested too deep is refused, and leaves what was there", async () => {
    const { store } = open();
    await store.set("s", session({ deep: 1 }));
    const found = (await store.get("s")) ?? {};

    const refused = store.set("s", Object.assign(found, { deep: nested(2 * mostLevels()) }));

    await expect(refused).rejects.toMatchObject({
      code: "DATABANK_INVALID_VALUE",
      message: expect.stringContaining("nested too deep"),
    });
    expect(await store.get("s")).toMatchObject({ deep: 1 });
  });

  it("what would not be found again as a session is refused", async () => {
    const { store } = open();
    const invalid = { code: "DATABANK_INVALID_VALUE" };

    await expect(store.set("s", new Date())).rejects.toMatchObject(invalid);
    const list = { cookie: {}, toJSON: () => [1] };
    await expect(store.set("s", list)).rejects.toMatchObject(invalid);
    expect(await store.length()).toBe(0);
  });

  it("an update without a function is refused, whether or not the session is there", async () => {
    const { store } = open();
    await store.set("s", session());

    for (const sid of ["s", "missing"]) {
      const update: Promise<unknown> = Reflect.apply(store.update, store, [sid, { user: "ann" }]);
      await expect(update).rejects.toMatchObject({
        code: "DATABANK_INVALID_OPTION",
        message: expect.stringContaining("change must be a function, not "),
      });
    }
  });

  it("properties named like an object's own machinery are data", async () => {
    const { store } = open();
    const data = JSON.parse('{"cookie":{},"__proto__":{"admin":true},"constructor":1}');
    await store.set("s", data);
    const got = (await store.get("s")) ?? { cookie: {} };

    expect(Object.getPrototypeOf(got)).toBe(Object.prototype);
    expect(Object.keys(got)).toEqual(["cookie", "__proto__", "constructor"]);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it("a database that does not answer is an error in time", async () => {
    const never: Driver = { ...memoryDriver(), calling: {}, read: () => new Promise(() => {}) };
    const bank = new Databank(never, { timeoutMs: 300 });
    const store = new DatabankStore(bank, { cleanupIntervalMs: 0 });

    await expect(store.get("s")).rejects.toMatchObject({ code: "DATABANK_TIMEOUT" });
    expect(await store.set("s", session())).toBe("created");
  });

  it("the store works again after an outage, also one at the start", async () => {
    let isDown = true;
    const memory = memoryDriver();
    const flaky: Driver = {
      ...memory,
      connect: async () => {
        if (isDown) throw new Error("connection refused");
      },
    };
    const { store } = open({}, flaky);
    await expect(store.get("s")).rejects.toMatchObject({ code: "DATABANK_DRIVER_FAILED" });
    isDown = false;

    expect(await store.set("s", session())).toBe("created");
  });
});

describe("cleanup", () => {
  it("deletes what expired over a minute ago and tells how much", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
    const { bank, store } = open();
    const events: unknown[] = [];
    store.on("expired", (event) => events.push(event));
    await store.set("old", session({}, { maxAge: 1000 }));
    await store.set("recent", session({}, { maxAge: 60_000 }));
    await store.set("live", session({}, { maxAge: DAY_MS }));
    vi.setSystemTime(1_000_000 + 61_001);

    expect(await store.cleanup()).toBe(1);
    vi.useRealTimers();
    await new Promise((done) => setImmediate(done));
    expect(events).toEqual([{ count: 1 }]);
    await bank.clear("session");
  });

  it("calls back on an empty store", async () => {
    const { store } = open();

    expect(await new Promise((done) => void store.cleanup((_error, count) => done(count)))).toBe(0);
  });

  it("happens by itself, in one process at a time, and stops with close", async () => {
    const { driver } = countingDriver();
    let running = 0;
    let most = 0;
    let runs = 0;
    const watched: Driver = {
      ...driver,
      deleteExpired: async () => {
        running += 1;
        runs += 1;
        most = Math.max(most, running);
        await new Promise((done) => setTimeout(done, 5));
        running -= 1;
        return { deleted: 0, cursor: null };
      },
    };
    const bank = new Databank(watched);
    const stores = Array.from(
      { length: 4 },
      () => new DatabankStore(bank, { cleanupIntervalMs: 4 }),
    );
    await waitFor(() => expect(runs).toBeGreaterThan(5));
    await Promise.all(stores.map((store) => store.close()));
    const after = runs;
    await new Promise((done) => setTimeout(done, 40));

    expect(most).toBe(1);
    expect(runs).toBe(after);
  });
});

describe("log", () => {
  it("tells of every call, without ids and contents", async () => {
    const lines: unknown[][] = [];
    const logger = {
      child: () => logger,
      debug: (...args: unknown[]) => lines.push(["debug", ...args]),
      error: (...args: unknown[]) => lines.push(["error", ...args]),
    };
    const { store } = open({ log: logger });
    await store.set("a secret id", session({ password: "hunter2" }));
    await store.get("a secret id");
    await store.touch("a secret id", session());
    await store.all();
    await store.length();
    await store.cleanup();
    await store.destroy("a secret id");
    await store.clear();
    await store.set("a secret id", session({ n: 1n })).catch(() => {});

    const text = inspect(lines, { depth: 9 });
    for (const method of ["set", "get", "touch", "all", "length", "cleanup", "destroy", "clear"]) {
      expect(text).toContain(`Session store: ${method}`);
    }
    expect(lines.filter(([level]) => level === "error")).toHaveLength(1);
    expect(text).not.toContain("secret");
    expect(text).not.toContain("hunter2");
  });

  it("that fails fails nothing else", async () => {
    const full = () => {
      throw new Error("The disk is full");
    };
    const { store } = open({ log: { debug: full, warn: full, error: full } });

    expect(await store.set("s", session())).toBe("created");
    expect(await store.get("s")).not.toBeNull();
    await expect(store.set("s", session({ n: 1n }))).rejects.toMatchObject({
      code: "DATABANK_INVALID_VALUE",
    });
  });
});

describe("policy", () => {
  it("tells settings and guarantees as data", () => {
    const { store } = open({ ttlMs: 5000 });
    expect(store.policy()).toMatchObject({
      driver: "memory",
      ttlMs: 5000,
      absoluteTimeoutMs: null,
      guarantees: { noLostWrites: "atomic", durable: false },
    });
  });

  it("does not guess what a database can do before it was reached", async () => {
    registerDrivers();
    const store = new DatabankStore("memory:", { cleanupIntervalMs: 0 });
    expect(store.policy().guarantees.logoutMeansLogout).toBe("unknown");
    await store.get("s");

    expect(store.policy().guarantees.logoutMeansLogout).toBe("atomic");
    await store.close();
  });
});

describe("close", () => {
  it("tries again to disconnect where that has failed, and not where it has succeeded", async () => {
    const disconnect = vi.fn(async () => {}).mockRejectedValueOnce(new Error("broken pipe"));
    Databank.register("fragile", () => ({ ...memoryDriver(), disconnect }));
    const store = new DatabankStore("fragile:", { cleanupIntervalMs: 0 });
    await store.get("s");

    await expect(store.close()).rejects.toMatchObject({ code: "DATABANK_DRIVER_FAILED" });
    await Promise.all([store.close(), store.close()]);
    await store.close();

    expect(disconnect).toHaveBeenCalledTimes(2);
  });
});

describe("many stores on one databank", () => {
  it("are no leak of listeners", async () => {
    const warnings: Error[] = [];
    const listener = (warning: Error) => warnings.push(warning);
    process.on("warning", listener);
    const bank = new Databank(memoryDriver());
    const stores = Array.from({ length: 20 }, () => new DatabankStore(bank));
    await new Promise((done) => setImmediate(done));
    process.off("warning", listener);

    expect(warnings).toEqual([]);
    for (const store of stores) await store.close();
  });

  it("hear nothing more of it when they are closed", async () => {
    const { bank, store } = open();
    const events: unknown[] = [];
    store.on("corrupt", (event) => events.push(event));
    const entry = { version: "a.0", createdAt: 0, expiresAt: null };
    await bank.collector.write("session", { id: "torn", json: '{"cookie":', ...entry });
    await store.close();
    for await (const _ of bank.scan("session"));
    await new Promise((done) => setTimeout(done));

    expect(events).toEqual([]);
  });
});
