import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Driver, Method, Page, Read, Write } from "../../src/databank/driver.js";
import { newLife, nextVersion } from "../../src/databank/version.js";
import { registerDrivers } from "../../src/drivers/catalog.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { caches } from "../../src/drivers/tiered/in-process.js";
import { type TieredOptions, tieredDriver } from "../../src/drivers/tiered.js";
import { clear, count } from "../../src/testing/driver/listing.js";
import { Gate } from "../support/gate.js";

registerDrivers();

const HOUR_MS = 3_600_000;

afterEach(() => {
  vi.restoreAllMocks();
});

function entry(id: string, more: Partial<Write> = {}): Write {
  const createdAt = Date.now();
  const expiresAt = createdAt + HOUR_MS;
  return { id, json: '"1"', version: newLife(), createdAt, expiresAt, ...more };
}

const change = (before: Write, more: Partial<Write> = {}): Write => ({
  ...before,
  version: nextVersion(before.version),
  if: before.version,
  json: '"2"',
  ...more,
});

/**
 * A store that counts calls, leaves out values that are known, and holds calls or their answers
 * back where a test wants it to.
 */
class Store {
  readonly driver: Driver;
  readonly calls: Method[] = [];
  /** The values that went over the wire. */
  readonly sent: string[] = [];
  /** What the next calls of a method wait for, before the store acts or after it has. */
  readonly before = new Map<Method, Gate[]>();
  readonly after = new Map<Method, Gate[]>();

  constructor() {
    const memory = memoryDriver();
    this.driver = {
      ...memory,
      calling: {},
      read: (type, reads) =>
        this.#call("read", async () => {
          const found = await memory.read(type, reads);
          return found.map((each, i) => this.#withoutKnown(each, reads[i]));
        }),
      write: (type, writes) => this.#call("write", () => memory.write(type, writes)),
      touch: (type, touches) => this.#call("touch", () => memory.touch(type, touches)),
      del: (type, deletions) => this.#call("del", () => memory.del(type, deletions)),
    };
  }

  hold(when: "before" | "after", method: Method): Gate {
    const gate = new Gate();
    this[when].set(method, [...(this[when].get(method) ?? []), gate]);
    return gate;
  }

  taken(): readonly Method[] {
    return this.calls.splice(0);
  }

  async #call<R>(method: Method, act: () => R | Promise<R>): Promise<R> {
    this.calls.push(method);
    const [before, after] = [this.before.get(method)?.shift(), this.after.get(method)?.shift()];
    await before?.opened;
    const result = await act();
    await after?.opened;
    return result;
  }

  #withoutKnown(found: Awaited<ReturnType<Driver["read"]>>[number], read: Read | undefined) {
    if (found === null || found instanceof Error || found.json === undefined) return found;
    const { json, ...rest } = found;
    if (rest.version === read?.known) return rest;
    this.sent.push(json);
    return found;
  }
}

async function tiered(options: Partial<TieredOptions> = {}) {
  const store = new Store();
  const driver = tieredDriver({ store: store.driver, ...options });
  await driver.connect({});
  const get = async (id = "a") => {
    const [found] = await driver.read("t", [{ id }]);
    if (found instanceof Error) throw found;
    return found ?? null;
  };
  return { store, driver, get };
}

/** A cache that does not ask the store again for an hour. */
const lasting = (options: Partial<TieredOptions> = {}) =>
  tiered({ maxStalenessMs: HOUR_MS, ...options });

/** Moves the clocks of this process. */
function pass({ wallMs = 0, steadyMs = 0 }): void {
  const [now, steady] = [Date.now(), performance.now()];
  vi.spyOn(Date, "now").mockImplementation(() => now + wallMs);
  vi.spyOn(performance, "now").mockImplementation(() => steady + steadyMs);
}

describe("with no staleness allowed", () => {
  it("asks the store for every read, and has a value sent once", async () => {
    const { store, driver, get } = await tiered();
    const first = entry("a");
    await store.driver.write("t", [first]);
    store.taken();

    const found = [await get(), await get(), await get()];

    expect(found).toMatchObject(
      [first, first, first].map(({ json, version }) => ({ json, version })),
    );
    expect(store.taken()).toEqual(["read", "read", "read"]);
    expect(store.sent).toEqual(['"1"']);
    await driver.write("t", [change(first)]);
    expect(await get()).toMatchObject({ json: '"2"' });
    expect(await driver.read("t", [{ id: "a", known: first.version }])).toMatchObject([
      { json: '"2"' },
    ]);
    expect(store.sent).toEqual(['"1"']);
  });

  it("sees at once what somebody else has changed, touched or deleted", async () => {
    const { store, get } = await tiered();
    const first = entry("a");
    const later = Date.now() + 2 * HOUR_MS;
    await store.driver.write("t", [first]);
    await get();

    await store.driver.write("t", [change(first)]);
    expect(await get()).toMatchObject({ json: '"2"' });
    await store.driver.touch("t", [{ id: "a", expiresAt: later }]);
    expect(await get()).toMatchObject({ json: '"2"', expiresAt: later });
    await store.driver.del("t", [{ id: "a" }]);
    expect(await get()).toBeNull();
    await store.driver.write("t", [entry("a", { json: '"3"' })]);
    expect(await get()).toMatchObject({ json: '"3"' });
  });

  it("may leave out a value that the caller knows and it does not", async () => {
    const { store, driver } = await tiered();
    const first = entry("a");
    await store.driver.write("t", [first]);

    const [found] = await driver.read("t", [{ id: "a", known: first.version }]);

    expect(found).toMatchObject({ version: first.version });
    expect(store.sent).toEqual([]);
  });

  it("does not take its value for one of another version", async () => {
    const { store, driver, get } = await tiered();
    const first = entry("a");
    await store.driver.write("t", [first]);
    await get();
    await store.driver.write("t", [change(first)]);
    const [unchanged] = await driver.read("t", [{ id: "a", known: change(first).version }]);
    expect(unchanged).toMatchObject({ json: '"2"' });

    const { json, ...other } = entry("a");
    vi.spyOn(store.driver, "read").mockImplementation(async () => [other]);

    expect([json, await get()]).toEqual(['"1"', other]);
  });
});

describe("with staleness allowed", () => {
  it("asks the store again when the time is over, by whichever clock", async () => {
    for (const [passed, isAsked] of [
      [{ wallMs: 999, steadyMs: 999 }, false],
      [{ wallMs: 1001, steadyMs: 1001 }, true],
      // In standby one clock stands still; the other may be set back.
      [{ wallMs: 1001, steadyMs: 1 }, true],
      [{ wallMs: 1, steadyMs: 1001 }, true],
      [{ wallMs: -1, steadyMs: 1 }, true],
    ] as const) {
      const { store, get } = await tiered({ maxStalenessMs: 1000 });
      await store.driver.write("t", [entry("a")]);
      pass({});
      await get();
      store.taken();

      pass(passed);
      await get();

      expect(store.taken()).toEqual(isAsked ? ["read"] : []);
      vi.restoreAllMocks();
    }
  });

  it("counts the time from the question, not from the answer", async () => {
    const { store, get } = await tiered({ maxStalenessMs: 1000 });
    await store.driver.write("t", [entry("a")]);
    pass({});
    const answer = store.hold("after", "read");
    const reading = get();
    await nextTurn();
    pass({ wallMs: 900, steadyMs: 900 });
    answer.open();
    await reading;
    store.taken();

    pass({ wallMs: 200, steadyMs: 200 });
    await get();

    expect(store.taken()).toEqual(["read"]);
  });

  it("asks the store for what it has seen missing, and for what has expired", async () => {
    const { store, get } = await lasting();
    await get();
    await store.driver.write("t", [entry("a", { expiresAt: Date.now() + 1000 })]);
    await get();
    await store.driver.touch("t", [{ id: "a", expiresAt: Date.now() + HOUR_MS }]);
    store.taken();

    pass({ wallMs: 1001, steadyMs: 1001 });

    expect(await get()).not.toBeNull();
    expect(store.taken()).toEqual(["read"]);
  });

  it("knows what it has written, touched and deleted", async () => {
    const { store, driver, get } = await lasting();
    const first = entry("a", { if: "absent" });
    const second = change(first);
    const later = Date.now() + 2 * HOUR_MS;

    await driver.write("t", [first]);
    expect(await get()).toMatchObject({ json: '"1"' });
    await driver.write("t", [second]);
    await driver.touch("t", [{ id: "a", expiresAt: later }]);
    expect(await get()).toEqual({ ...(await store.driver.read("t", [{ id: "a" }]))[0] });
    expect(await get()).toMatchObject({ json: '"2"', expiresAt: later });
    expect(store.taken()).toEqual(["write", "write", "touch", "read"]);
    await driver.del("t", [{ id: "a" }]);
    expect(await get()).toBeNull();
    expect(store.taken()).toEqual(["del", "read"]);
  });

  it("asks the store where it cannot know", async () => {
    const { store, driver, get } = await lasting();
    const first = entry("a");
    const isAsked = async () => {
      store.taken();
      await get();
      return store.taken().length === 1;
    };
    await driver.write("t", [first]);
    expect(await isAsked()).toBe(false);

    await driver.write("t", [change(first, { if: newLife() })]);
    expect(await isAsked(), "after a conflict").toBe(true);
    await driver.write("t", [entry("a", { extend: true })]);
    expect(await isAsked(), "after a write that extends").toBe(true);
    await store.driver.del("t", [{ id: "a" }]);
    await driver.touch("t", [{ id: "a", expiresAt: null }]);
    expect(await isAsked(), "after a touch in vain").toBe(true);
    await driver.write("t", [entry("a", { expiresAt: 1 })]);
    expect(await isAsked(), "after a write that deletes").toBe(true);
    await driver.write("t", [first]);
    store.hold("after", "write").fail(new Error("lost"));
    await expect(driver.write("t", [entry("a")])).rejects.toThrow("lost");
    expect(await isAsked(), "after an answer that was lost").toBe(true);
  });

  it("does not keep what the store has no more", async () => {
    const { store, get } = await tiered({ maxStalenessMs: 1000 });
    await store.driver.write("t", [entry("a")]);
    pass({});
    await get();
    await store.driver.del("t", [{ id: "a" }]);
    pass({ wallMs: 1001, steadyMs: 1001 });
    expect(await get()).toBeNull();

    pass({ wallMs: -1001, steadyMs: -1001 });

    expect(await get()).toBeNull();
  });

  it("keeps the later deadline, as the store does", async () => {
    const { driver, get } = await lasting();
    const first = entry("a");
    await driver.write("t", [first]);

    await driver.touch("t", [{ id: "a", expiresAt: Date.now() + 1000 }]);

    expect(await get()).toMatchObject({ expiresAt: first.expiresAt });
  });

  it("forgets everything when a type is cleared, and when it disconnects", async () => {
    const { store, driver, get } = await lasting();
    await driver.write("t", [entry("a")]);
    await clear(driver, "t");
    expect(await get()).toBeNull();

    await driver.write("t", [entry("a")]);
    await driver.disconnect();
    await driver.connect({});
    expect(await get()).toBeNull();

    await driver.write("t", [entry("a")]);
    store.taken();
    expect(await get()).not.toBeNull();
    expect(store.taken()).toEqual([]);
  });

  it("reads what is missing together, and gives all in order", async () => {
    const { store, driver } = await lasting();
    const ids = ["a", "b", "c", "d"];
    await driver.write("t", [entry("b", { json: '"b"' }), entry("d", { json: '"d"' })]);
    await store.driver.write("t", [entry("c", { json: '"c"' })]);
    store.taken();

    const found = await driver.read(
      "t",
      ids.map((id) => ({ id })),
    );

    expect(found.map((each) => (each && "json" in each ? each.json : each))).toEqual([
      null,
      '"b"',
      '"c"',
      '"d"',
    ]);
    expect(store.taken()).toEqual(["read"]);
  });

  it("hands out copies", async () => {
    const { driver, get } = await lasting();
    const first = entry("a");
    const { version } = first;
    await driver.write("t", [first]);
    Object.assign(first, { json: "spoilt", version: "spoilt" });

    Object.assign((await get()) ?? {}, { json: "spoilt", version: "spoilt" });
    expect(await get()).toMatchObject({ json: '"1"', version });

    await driver.write("t", [entry("a", { extend: true })]);
    Object.assign((await get()) ?? {}, { json: "spoilt" });
    expect(await get()).toMatchObject({ json: '"1"' });
  });

  it("tells types and ids apart", async () => {
    const { store, driver } = await lasting();
    await driver.write("t", [entry("1:a")]);
    await driver.write("t1", [entry(":a", { json: '"2"' })]);
    store.taken();

    expect(await driver.read("t1", [{ id: ":a" }])).toMatchObject([{ json: '"2"' }]);
    expect(await driver.read("t", [{ id: "1:a" }])).toMatchObject([{ json: '"1"' }]);
    expect(store.taken()).toEqual([]);
  });
});

describe("a call that another overtakes", () => {
  const changes: Readonly<Record<string, (driver: Driver, first: Write) => unknown>> = {
    "a deletion": (driver) => driver.del("t", [{ id: "a" }]),
    "a write": (driver) => driver.write("t", [entry("a", { json: '"2"' })]),
    "a conditional write": (driver, first) => driver.write("t", [change(first)]),
    "a touch": (driver) => driver.touch("t", [{ id: "a", expiresAt: null }]),
    "a clear": (driver) => clear(driver, "t"),
    "a disconnect": async (driver) => {
      await driver.disconnect();
      await driver.connect({});
    },
  };

  for (const [name, apply] of Object.entries(changes)) {
    it(`a read does not bring back what was there before ${name}`, async () => {
      const { store, driver, get } = await lasting();
      const first = entry("a");
      await store.driver.write("t", [first]);
      const answer = store.hold("after", "read");
      const reading = get();
      await nextTurn();

      await apply(driver, first);
      answer.open();

      expect(await reading).toMatchObject({ json: '"1"' });
      expect(await get()).toEqual((await store.driver.read("t", [{ id: "a" }]))[0]);
    });
  }

  for (const method of ["del", "write", "touch"] as const) {
    const act = { del: "a deletion", write: "a write", touch: "a touch" }[method];
    for (const when of ["before", "after"] as const) {
      it(`a read during ${act} does not outlive it, the store acting ${when === "before" ? "later" : "earlier"}`, async () => {
        const { store, driver, get } = await lasting();
        const first = entry("a");
        await driver.write("t", [first]);
        const gate = store.hold(when, method);
        const changing = changes[act]?.(driver, first);
        await nextTurn();

        const during = get();
        await nextTurn();
        await during;
        gate.open();
        await changing;

        expect(await get()).toEqual((await store.driver.read("t", [{ id: "a" }]))[0]);
      });
    }
  }

  it("a read during a clear does not outlive it", async () => {
    const store = new Store();
    const gate = new Gate();
    const inner = { ...store.driver };
    store.driver.clear = async (type) => {
      await gate.opened;
      return { deleted: await clear(inner, type), cursor: null };
    };
    const driver = tieredDriver({ store: store.driver, maxStalenessMs: HOUR_MS });
    await driver.connect({});
    await driver.write("t", [entry("a")]);
    const clearing = clear(driver, "t");
    await nextTurn();

    expect(await driver.read("t", [{ id: "a" }])).toMatchObject([{ json: '"1"' }]);
    gate.open();
    await clearing;

    expect(await driver.read("t", [{ id: "a" }])).toEqual([null]);
  });

  it("a read between two steps of a clear does not outlive the second", async () => {
    const store = new Store();
    const inner = { ...store.driver };
    const isFirst = ({ cursor }: Page) => cursor === null;
    store.driver.clear = async (type, page) =>
      isFirst(page)
        ? { deleted: 0, cursor: "more" }
        : { deleted: await clear(inner, type), cursor: null };
    const driver = tieredDriver({ store: store.driver, maxStalenessMs: HOUR_MS });
    await driver.connect({});
    await driver.write("t", [entry("a")]);

    const step = await driver.clear?.("t", { limit: 10, cursor: null });
    expect(await driver.read("t", [{ id: "a" }])).toMatchObject([{ json: '"1"' }]);
    await driver.clear?.("t", { limit: 10, cursor: step?.cursor ?? null });

    expect(await driver.read("t", [{ id: "a" }])).toEqual([null]);
  });

  it("of two writes neither is kept, for the store alone knows the order", async () => {
    const { store, driver, get } = await lasting();
    const held = [store.hold("before", "write"), store.hold("before", "write")];
    const writing = ['"1"', '"2"'].map((json) => driver.write("t", [entry("a", { json })]));
    await nextTurn();

    held[1]?.open();
    await writing[1];
    held[0]?.open();
    await writing[0];

    expect(await get()).toMatchObject({ json: '"1"' });
  });

  it("a write that a deletion follows is not kept", async () => {
    const { store, driver, get } = await lasting();
    const answer = store.hold("after", "write");
    const writing = driver.write("t", [entry("a")]);
    await nextTurn();

    await driver.del("t", [{ id: "a" }]);
    answer.open();
    await writing;

    expect(await get()).toBeNull();
  });

  it("an earlier read does not take the place of a later one", async () => {
    const { store, get } = await lasting();
    const first = entry("a");
    await store.driver.write("t", [first]);
    pass({});
    const answer = store.hold("after", "read");
    const early = get();
    await nextTurn();
    await store.driver.write("t", [change(first)]);

    pass({ wallMs: 5, steadyMs: 5 });
    expect(await get()).toMatchObject({ json: '"2"' });
    answer.open();
    expect(await early).toMatchObject({ json: '"1"' });

    expect(await get()).toMatchObject({ json: '"2"' });
  });

  it("does not hold up another entry", async () => {
    const { store, driver, get } = await lasting();
    await store.driver.write("t", [entry("a"), entry("b")]);
    const gate = store.hold("before", "del");
    const deleting = driver.del("t", [{ id: "b" }]);
    await nextTurn();

    await get("a");
    store.taken();
    await get("a");

    expect(store.taken()).toEqual([]);
    gate.open();
    await deleting;
  });
});

describe("two drivers of one process on one store", () => {
  async function two() {
    const store = new Store();
    const opened = [0, 1].map(() =>
      tieredDriver({ store: { ...store.driver }, maxStalenessMs: HOUR_MS }),
    );
    const [mine, other] = opened as [Driver, Driver];
    for (const driver of opened) await driver.connect({});
    const get = async () => (await mine.read("t", [{ id: "a" }]))[0];
    return { store, mine, other, get };
  }

  const changes: Readonly<Record<string, (driver: Driver, first: Write) => unknown>> = {
    "a deletion": (driver) => driver.del("t", [{ id: "a" }]),
    "a write": (driver, first) => driver.write("t", [change(first)]),
    "a clear": (driver) => clear(driver, "t"),
  };

  for (const [name, apply] of Object.entries(changes)) {
    it(`do not answer as it was before ${name} of the other`, async () => {
      const { store, mine, other, get } = await two();
      const first = entry("a");
      await mine.write("t", [first]);
      await get();

      await apply(other, first);

      expect(await get()).toEqual((await store.driver.read("t", [{ id: "a" }]))[0]);
    });

    it(`do not keep what was asked for before ${name} of the other`, async () => {
      const { store, mine, other, get } = await two();
      const first = entry("a");
      await store.driver.write("t", [first]);
      const answer = store.hold("after", "read");
      const reading = mine.read("t", [{ id: "a" }]);
      await nextTurn();

      await apply(other, first);
      answer.open();

      expect(await reading).toMatchObject([{ json: '"1"' }]);
      expect(await get()).toEqual((await store.driver.read("t", [{ id: "a" }]))[0]);
    });
  }

  it("know of the deadline that a touch of the other has moved", async () => {
    const { mine, other, get } = await two();
    await mine.write("t", [entry("a")]);
    await get();

    await other.touch("t", [{ id: "a", expiresAt: null }]);

    expect(await get()).toMatchObject({ expiresAt: null });
  });

  it("forget what a touch of the other did not find", async () => {
    const { store, mine, other, get } = await two();
    await mine.write("t", [entry("a")]);
    await store.driver.del("t", [{ id: "a" }]);

    expect(await other.touch("t", [{ id: "a", expiresAt: null }])).toEqual([false]);

    expect(await get()).toBeNull();
  });

  it("keep what they have when the other disconnects, which is then forgotten itself", async () => {
    const before = caches.size;
    const { store, mine, other } = await two();
    await mine.write("t", [entry("a")]);
    await mine.read("t", [{ id: "a" }]);
    store.taken();

    await other.disconnect();

    expect(await mine.read("t", [{ id: "a" }])).toMatchObject([{ json: '"1"' }]);
    expect(store.taken()).toEqual([]);
    expect(caches.size).toBe(before + 1);
  });
});

describe("the room", () => {
  /** Which of some ids are answered without the store. */
  async function kept({ store, get }: Awaited<ReturnType<typeof lasting>>, ids: readonly string[]) {
    const found: string[] = [];
    for (const id of ids.toReversed()) {
      store.taken();
      await get(id);
      if (store.taken().length === 0) found.unshift(id);
    }
    return found;
  }

  it("is for the entries that were used last", async () => {
    const cache = await lasting({ maxEntries: 2 });
    await cache.driver.write("t", [entry("a"), entry("b")]);
    await cache.get("a");
    await cache.driver.write("t", [entry("c")]);

    expect(await kept(cache, ["a", "c"])).toEqual(["a", "c"]);
    expect(await kept(cache, ["b"])).toEqual([]);
  });

  it("is found again by an entry whose value the caller has kept", async () => {
    const cache = await lasting({ maxEntries: 1 });
    const first = entry("a");
    await cache.driver.write("t", [first, entry("b")]);
    cache.store.taken();

    for (let i = 0; i < 3; i += 1) {
      const found = await cache.driver.read("t", [{ id: "a", known: first.version }]);
      expect(found).toMatchObject([{ version: first.version }]);
    }

    expect(cache.store.taken()).toEqual(["read"]);
  });

  it("is bounded by memory too", async () => {
    const cache = await lasting({ maxBytes: 10_000 });
    const large = (id: string) => entry(id, { json: JSON.stringify("x".repeat(1500)) });
    for (const id of ["a", "b", "c"]) await cache.driver.write("t", [large(id)]);
    expect(await kept(cache, ["b", "c"])).toEqual(["b", "c"]);
    expect(await kept(cache, ["a"])).toEqual([]);

    await cache.driver.write("t", [entry("d", { json: JSON.stringify("x".repeat(9000)) })]);
    expect(await kept(cache, ["d"])).toEqual([]);
    for (let i = 0; i < 50; i += 1) await cache.driver.write("t", [large("e")]);
    await cache.driver.write("t", [entry("f")]);
    expect(await kept(cache, ["e", "f"])).toEqual(["e", "f"]);
  });
});

describe("the store", () => {
  it("may be named by a URL, which is looked at early", async () => {
    expect(() => tieredDriver({ store: "memroy:" })).toThrow("did you mean memory");
    const driver = tieredDriver({ store: "memory:?maxEntries=1" });
    expect(driver.capabilities).toMatchObject({ conditionalWrites: "best-effort", scan: false });
    await expect(async () => driver.read("t", [{ id: "a" }])).rejects.toMatchObject({
      code: "DATABANK_NOT_CONNECTED",
    });

    await driver.connect({});

    await driver.write("t", [entry("a"), entry("b")]);
    expect(await count(driver, "t")).toBe(1);
    expect(driver.capabilities).toEqual(memoryDriver().capabilities);
    expect(driver.calling).toEqual(memoryDriver().calling);
  });

  it("tells through it what is corrupt, and what to do after an error", async () => {
    const { store, driver } = await tiered();
    const reports: unknown[] = [];
    driver.onCorrupt = (report) => reports.push(report);
    store.driver.onCorrupt?.({ type: "t", cause: "damage" });
    expect(reports).toEqual([{ type: "t", cause: "damage" }]);

    const never = tieredDriver({ store: { ...store.driver, retry: () => "never" } });
    expect(never.retry?.(new Error("any"))).toBe("never");
  });

  it("has errors in single results, which are handed on and not kept", async () => {
    const { store, driver } = await lasting();
    const broken = new Error("broken");
    vi.spyOn(store.driver, "read").mockImplementation(async (_type, reads) =>
      reads.map(() => broken),
    );
    const again = tieredDriver({ store: store.driver, maxStalenessMs: HOUR_MS });

    expect(await again.read("t", [{ id: "a" }])).toEqual([broken]);
    expect(await again.read("t", [{ id: "a" }])).toEqual([broken]);
    await driver.disconnect();
  });

  it("that cannot list entries leaves it unable to", async () => {
    const { scan, search, count, clear, deleteExpired, ...plain } = memoryDriver();
    const driver = tieredDriver({ store: plain });
    await driver.connect({});

    const names = ["scan", "search", "count", "clear", "deleteExpired"] as const;
    for (const name of names) expect(driver[name]).toBeUndefined();

    // Some know only when they are connected.
    const methods = { scan, count, clear, deleteExpired };
    Object.assign(plain, methods);
    await driver.connect({});
    for (const name of names) expect(typeof driver[name]).toBe(typeof { search, ...methods }[name]);
    for (const name of names) delete (plain as Driver)[name];
    await driver.connect({});
    for (const name of names) expect(driver[name]).toBeUndefined();
  });

  it.each([
    [{}, "store must be a driver"],
    [{ store: {} }, "store must be a driver"],
    [{ store: "memory:", maxEntries: 0 }, "maxEntries must be a whole number from 1"],
    [{ store: "memory:", maxBytes: 0.5 }, "maxBytes must be a whole number from 1"],
    [{ store: "memory:", maxStalenessMs: -1 }, "maxStalenessMs must be a whole number"],
    [{ store: "memory:", maxStaleness: 1 }, "did you mean maxStalenessMs"],
  ])("refuses the options %j", (options, message) => {
    const given: unknown = options;
    expect(() => tieredDriver(given as TieredOptions)).toThrow(message);
  });
});
