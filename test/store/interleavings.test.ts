import { describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type { Driver } from "../../src/databank/driver.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import type { DatabankStoreOptions } from "../../src/store/options.js";
import { DatabankStore } from "../../src/store/store-class.js";
import { collect } from "../support/collect.js";
import { Gate } from "../support/gate.js";
import { HOSTS, type Host, HostedStore } from "../support/hosted-store.js";

const DAY_MS = 86_400_000;
const CART = { user: "ann", cart: 1 };
const host = HOSTS[0] as Host;

/** Methods of a driver that wait at a gate, before or after the database has done its part. */
interface Held {
  readonly method: "read" | "write" | "touch" | "del";
  readonly when: "before" | "after";
  /** Only calls with this id. */
  readonly id?: string;
}

/** The same data, reached by a driver that tells when a call arrives and holds it at a gate. */
function holding(driver: Driver, { method, when, id }: Held) {
  const [arrived, gate] = [new Gate(), new Gate()];
  let isHeld = false;
  const held = async (type: string, members: readonly { readonly id: string }[]) => {
    const call = () => Reflect.apply(driver[method], driver, [type, members]) as unknown;
    if (isHeld || (id !== undefined && members[0]?.id !== id)) return call();
    isHeld = true;
    if (when === "before") {
      arrived.open();
      await gate.opened;
      return call();
    }
    const result = await call();
    arrived.open();
    await gate.opened;
    return result;
  };
  const made: unknown = { ...driver, [method]: held };
  return { driver: made as Driver, arrived, gate };
}

/** Two servers on one database; what the first one asks for can be held. */
async function twoServers(held: Held, options?: DatabankStoreOptions) {
  const memory = memoryDriver();
  const { driver, arrived, gate } = holding(memory, held);
  const second = new HostedStore(host, memory, options);
  await second.store.set("s", second.fresh("s", CART));
  const first = new HostedStore(host, driver, options);
  return { first, second, arrived, gate };
}

async function deadlineMs(hosted: HostedStore): Promise<number> {
  const stored = await hosted.store.get("s");
  return Date.parse(String(stored?.cookie.expires));
}

async function remainingMs(hosted: HostedStore): Promise<number> {
  return (await deadlineMs(hosted)) - Date.now();
}

describe("while the database does not answer", () => {
  it("each of many calls on one session fails in time", async () => {
    const memory = memoryDriver();
    const never = () => new Promise<never>(() => {});
    const driver = { ...memory, write: never, touch: never, del: never };
    const store = new DatabankStore(new Databank(driver, { timeoutMs: 1000 }));
    const session = { cookie: { maxAge: 60_000 } };
    const start = performance.now();

    const calls = Array.from({ length: 5 }, () => [
      store.set("s", session),
      store.touch("s", session),
      store.destroy("s"),
    ]).flat();
    const results = await Promise.allSettled(calls);

    // One after another they would take fifteen times 1000 ms.
    expect(performance.now() - start).toBeLessThan(14_000);
    for (const result of results) {
      expect(result).toMatchObject({ reason: { code: "DATABANK_TIMEOUT" } });
    }
  });

  it("a save whose answer was lost is no conflict with the next one", async () => {
    const memory = memoryDriver();
    const { driver } = holding(memory, { method: "write", when: "after" });
    const seeds = new HostedStore(host, memory);
    await seeds.store.set("s", seeds.fresh("s", CART));
    const hosted = new HostedStore(host, new Databank(driver, { timeoutMs: 500 }));
    const mine = await hosted.load("s");
    mine.cart = 2;
    await expect(hosted.store.set("s", mine)).rejects.toMatchObject({ code: "DATABANK_TIMEOUT" });
    mine.late = true;
    await hosted.store.set("s", mine);

    expect(await hosted.data("s")).toEqual({ user: "ann", cart: 2, late: true });
    expect(hosted.store.counts.conflict).toBe(0);
  });
});

describe("a session that ends while it is saved", () => {
  it("stays gone when it is destroyed before the database has the write", async () => {
    const { first, second, arrived, gate } = await twoServers({ method: "write", when: "before" });
    const mine = await first.load("s");
    mine.cart = 2;
    const saved = first.store.set("s", mine);
    await arrived.opened;
    await second.store.destroy("s");
    gate.open();

    expect(await saved).toBe("gone");
    expect(await second.data("s")).toBeNull();
  });

  it("stays gone when it is destroyed between a conflict and the next attempt", async () => {
    const { first, second, arrived, gate } = await twoServers({ method: "write", when: "after" });
    const mine = await first.load("s");
    mine.cart = 2;
    await second.store.update("s", (session) => ({ ...session, theirs: 1 }));
    const saved = first.store.set("s", mine);
    await arrived.opened;
    await second.store.destroy("s");
    gate.open();

    expect(await saved).toBe("gone");
    expect(await second.data("s")).toBeNull();
  });

  it("does not mix with its successor under the same id at the next attempt", async () => {
    const { first, second, arrived, gate } = await twoServers({ method: "write", when: "after" });
    const mine = await first.load("s");
    mine.cart = 2;
    await second.store.update("s", (session) => ({ ...session, theirs: 1 }));
    const saved = first.store.set("s", mine);
    await arrived.opened;
    await second.store.destroy("s");
    await second.store.set("s", second.fresh("s", { user: "bob" }));
    gate.open();

    expect(await saved).toBe("gone");
    expect(await second.data("s")).toEqual({ user: "bob" });
  });

  it("stays gone when the same server is asked to destroy it while it writes", async () => {
    const { first, arrived, gate } = await twoServers({ method: "write", when: "before" });
    const mine = await first.load("s");
    mine.cart = 2;
    const saved = first.store.set("s", mine);
    await arrived.opened;
    const destroyed = first.store.destroy("s");
    mine.cart = 3;
    const late = first.store.set("s", mine);
    gate.open();
    await destroyed;

    expect(await saved).toBe("written");
    expect(await late).toBe("gone");
    expect(await first.data("s")).toBeNull();
  });

  it("stays gone when it is new, and destroyed while it is first stored", async () => {
    const { driver, arrived, gate } = holding(memoryDriver(), { method: "write", when: "before" });
    const hosted = new HostedStore(host, driver);
    const mine = hosted.fresh("n", CART);
    const saved = hosted.store.set("n", mine);
    await arrived.opened;
    const destroyed = hosted.store.destroy("n");
    const touched = hosted.store.touch("n", mine);
    const late = hosted.store.set("n", mine);
    gate.open();
    await destroyed;

    expect(await Promise.all([saved, touched, late])).toEqual(["created", "gone", "gone"]);
    expect(await hosted.data("n")).toBeNull();
  });

  it("does not follow its user to the new id, and the new one does not bring it back", async () => {
    const { first, second, arrived, gate } = await twoServers({ method: "write", when: "before" });
    const [slow, quick] = [await first.load("s"), await second.load("s")];
    slow.cart = 2;
    const saved = first.store.set("s", slow);
    await arrived.opened;
    const request = { sessionID: "s", sessionStore: second.store, session: quick };
    await new Promise<void>((done, failed) => {
      second.store.regenerate(request, (error) => (error ? failed(error) : done()));
    });
    // As passport does with `keepSessionInfo`: the old session's properties, its cookie among them.
    const renewed = Object.assign(request.session, { ...quick });
    await second.store.set("new", renewed);
    gate.open();
    quick.cart = 3;

    expect(await saved).toBe("gone");
    expect(await second.store.set("s", quick)).toBe("gone");
    expect(await second.data("s")).toBeNull();
    expect(await second.data("new")).toEqual(CART);
  });

  it("is not brought back by a touch that began before", async () => {
    const { first, second, arrived, gate } = await twoServers({ method: "touch", when: "before" });
    const mine = await first.load("s");
    mine.touch();
    const touched = first.store.touch("s", mine);
    await arrived.opened;
    await second.store.destroy("s");
    gate.open();

    expect(await touched).toBe("gone");
    expect(await second.data("s")).toBeNull();
  });

  it("is not saved after absoluteTimeoutMs by a request that began before", async () => {
    const memory = memoryDriver();
    // Made by an application without that limit, so that the entry itself lives longer.
    const lax = new HostedStore(host, memory);
    await lax.store.set("s", lax.fresh("s", CART));
    const hosted = new HostedStore(host, memory, { absoluteTimeoutMs: 1500 });
    const [saved, touched] = [await hosted.load("s"), await hosted.load("s")];
    saved.cart = 2;
    touched.cookie.maxAge = DAY_MS;
    const updated = hosted.store.update("s", async (session) => {
      await new Promise((done) => setTimeout(done, 1600));
      return { ...session, cart: 3 };
    });

    expect(await updated).toBe("gone");
    expect(await hosted.store.set("s", saved)).toBe("gone");
    expect(await hosted.store.touch("s", touched)).toBe("gone");
    expect(await hosted.store.get("s")).toBeNull();
    expect(await lax.data("s")).toEqual(CART);
  });
});

describe("an update that takes long", () => {
  it("does not keep anybody from logging out", async () => {
    const hosted = new HostedStore(host, memoryDriver());
    const gate = new Gate();
    await hosted.store.set("s", hosted.fresh("s", CART));
    const updated = hosted.store.update("s", async (session) => {
      await gate.opened;
      return { ...session, cart: 2 };
    });

    await hosted.store.destroy("s");
    expect(await hosted.store.get("s")).toBeNull();
    gate.open();

    expect(await updated).toBe("gone");
    expect(await hosted.store.get("s")).toBeNull();
  });

  it("may save the session itself, and is called again after that", async () => {
    const hosted = new HostedStore(host, memoryDriver());
    await hosted.store.set("s", hosted.fresh("s", CART));
    let calls = 0;

    const outcome = await hosted.store.update("s", async (session) => {
      calls += 1;
      if (calls === 1) {
        const other = await hosted.load("s");
        other.saved = true;
        await hosted.store.set("s", other);
      }
      session.updated = true;
    });

    expect(outcome).toBe("written");
    expect(calls).toBe(2);
    expect(await hosted.data("s")).toEqual({ ...CART, saved: true, updated: true });
  });
});

describe("a request that saves more than once", () => {
  async function open(options?: DatabankStoreOptions) {
    const hosted = new HostedStore(host, memoryDriver(), options);
    await hosted.store.set("s", hosted.fresh("s", { ...CART, n: 1 }));
    return { hosted, mine: await hosted.load("s"), theirs: await hosted.load("s") };
  }

  it("does not undo a logout that its first save has kept", async () => {
    const { hosted, mine, theirs } = await open();
    theirs.user = null;
    await hosted.store.set("s", theirs);
    mine.user = "ann, seen once";
    await hosted.store.set("s", mine);
    mine.user = "ann, seen twice";

    expect(await hosted.store.set("s", mine)).toBe("merged");
    expect(await hosted.data("s")).toEqual({ user: null, cart: 1, n: 1 });
    expect(hosted.store.counts.conflict).toBe(2);
  });

  it("does not undo a logout that it has not seen, by its first change of the key", async () => {
    const { hosted, mine, theirs } = await open();
    delete theirs.user;
    await hosted.store.set("s", theirs);
    mine.cart = 2;
    await hosted.store.set("s", mine);
    mine.user = "ann, seen";

    expect(await hosted.store.set("s", mine)).toBe("merged");
    expect(await hosted.data("s")).toEqual({ cart: 2, n: 1 });
  });

  it("adds to what resolve decided, not to what it has seen", async () => {
    const { hosted, mine, theirs } = await open({
      resolve: (_key, base, mine, theirs) => Number(theirs) + Number(mine) - Number(base),
    });
    theirs.n = 11;
    await hosted.store.set("s", theirs);
    mine.n = 2;
    await hosted.store.set("s", mine);
    mine.n = 3;
    await hosted.store.set("s", mine);

    expect(await hosted.data("s")).toEqual({ ...CART, n: 13 });
  });

  it("does not lengthen a life that another request has shortened", async () => {
    const { hosted, mine, theirs } = await open();
    theirs.cookie.maxAge = 5000;
    await hosted.store.touch("s", theirs);
    mine.cart = 2;
    await hosted.store.set("s", mine);
    mine.cart = 3;
    mine.touch();
    await hosted.store.set("s", mine);
    await hosted.store.touch("s", mine);

    expect(await remainingMs(hosted)).toBeLessThan(5001);
    expect((await hosted.store.get("s"))?.cookie.originalMaxAge).toBeLessThan(5001);
  });

  it("goes on lengthening a life that it has itself changed", async () => {
    const { hosted, mine } = await open();
    mine.cookie.maxAge = 90_000;
    await hosted.store.touch("s", mine);
    const before = await deadlineMs(hosted);
    await new Promise((done) => setTimeout(done, 60));
    mine.touch();
    await hosted.store.touch("s", mine);
    mine.cart = 2;
    await hosted.store.set("s", mine);

    expect(await deadlineMs(hosted)).toBeGreaterThan(before + 50);
  });
});

describe("several requests of one session", () => {
  it("a reload during a save sees what comes of it, and loses nothing", async () => {
    const { first, second, arrived, gate } = await twoServers({ method: "write", when: "before" });
    const mine = await first.load("s");
    mine.cart = 2;
    const saved = first.store.set("s", mine);
    await arrived.opened;
    const reloaded = first.load("s");
    await second.store.update("s", (session) => ({ ...session, theirs: 1 }));
    gate.open();
    await saved;
    const again = await reloaded;
    again.again = true;
    await first.store.set("s", again);

    expect(await first.data("s")).toEqual({ user: "ann", cart: 2, theirs: 1, again: true });
  });

  it("two tabs with a rolling cookie keep the longer life, whoever comes last", async () => {
    const { first, second, arrived, gate } = await twoServers({ method: "touch", when: "before" });
    const [mine, theirs] = [await first.load("s"), await second.load("s")];
    mine.touch();
    const touched = first.store.touch("s", mine);
    await arrived.opened;
    theirs.cookie.maxAge = 30 * DAY_MS;
    await second.store.set("s", theirs);
    gate.open();

    expect(await touched).toBe("touched");
    expect(await remainingMs(second)).toBeGreaterThan(29 * DAY_MS);
    mine.cart = 2;
    await first.store.set("s", mine);
    expect(await remainingMs(second)).toBeGreaterThan(29 * DAY_MS);
  });

  it("applications with different ttlMs never shorten each other's sessions", async () => {
    const memory = memoryDriver();
    const stores = [DAY_MS, 1000].map(
      (ttlMs) => new DatabankStore(new Databank(memory), { ttlMs, cleanupIntervalMs: 0 }),
    );
    const [long, short] = stores as [DatabankStore, DatabankStore];
    await long.set("s", { cookie: {}, ...CART });
    const got = (await short.get("s")) ?? { cookie: {} };
    await short.touch("s", got);
    got.cart = 2;
    await short.set("s", got);

    const entry = await new Databank(memory).scan("session")[Symbol.asyncIterator]().next();
    expect(entry.value.expiresAt - Date.now()).toBeGreaterThan(DAY_MS - 60_000);
  });

  it("a cookie says no more than absoluteTimeoutMs allows", async () => {
    const memory = memoryDriver();
    const lax = new HostedStore(host, memory);
    await lax.store.set("s", lax.fresh("s", CART));
    const strict = new HostedStore(host, memory, { absoluteTimeoutMs: 20_000 });

    expect(await remainingMs(strict)).toBeLessThan(20_001);
    expect(await remainingMs(lax)).toBeGreaterThan(50_000);
  });
});

describe("an upgrade of the way ids are stored", () => {
  async function open(held: Held) {
    const memory = memoryDriver();
    const bank = new Databank(memory);
    const cleanupIntervalMs = 0;
    const old = new DatabankStore(bank, { ids: "classic", cleanupIntervalMs });
    await old.set("s", { cookie: { maxAge: 60_000 }, ...CART });
    const { driver, arrived, gate } = holding(memory, held);
    const first = new DatabankStore(new Databank(driver), { ids: "upgrade", cleanupIntervalMs });
    const second = new DatabankStore(bank, { ids: "upgrade", cleanupIntervalMs });
    return { bank, old, first, second, arrived, gate };
  }

  it("does not undo a logout in the middle of which another server finds the session", async () => {
    const { bank, first, second, arrived, gate } = await open({
      method: "del",
      when: "before",
      id: "s",
    });
    const destroyed = first.destroy("s");
    await arrived.opened;
    await second.get("s");
    gate.open();
    await destroyed;

    expect(await second.get("s")).toBeNull();
    expect(await bank.count("session")).toBe(0);
  });

  it("does not undo a logout when a third request has saved the session meanwhile", async () => {
    const { bank, first, second, old, arrived, gate } = await open({
      method: "write",
      when: "after",
    });
    const found = first.get("s");
    await arrived.opened;
    const moved = await second.get("s");
    await old.destroy("s");
    await second.set("s", Object.assign(moved ?? { cookie: {} }, { cart: 2 }));
    gate.open();

    expect(await found).toBeNull();
    expect(await bank.count("session")).toBe(0);
  });

  it.each([
    ["for a moment", 1, 0],
    ["and stays so", Number.POSITIVE_INFINITY, 1],
  ])(
    "does not undo a logout in the middle of which the database is lost, %s",
    async (_, times, left) => {
      const memory = memoryDriver();
      const bank = new Databank(memory);
      const old = new DatabankStore(bank, { ids: "classic", cleanupIntervalMs: 0 });
      await old.set("s", { cookie: { maxAge: DAY_MS }, ...CART });
      const second = new DatabankStore(bank, { ids: "upgrade", cleanupIntervalMs: 0 });
      let failures = 0;
      const driver: Driver = {
        ...memory,
        async write(type, writes) {
          await second.destroy("s");
          return memory.write(type, writes);
        },
        async del(type, deletions) {
          failures += 1;
          if (failures > times) return memory.del(type, deletions);
          throw new Error("connection lost");
        },
      };
      const first = new DatabankStore(new Databank(driver), {
        ids: "upgrade",
        cleanupIntervalMs: 0,
      });

      await expect(first.get("s")).rejects.toMatchObject({ code: "DATABANK_DRIVER_FAILED" });

      // What could not be taken back either ends by itself.
      const found = await collect(bank.scan("session"));
      expect(found).toHaveLength(left);
      for (const { expiresAt } of found) expect(expiresAt).toBeLessThan(Date.now() + 61_000);
    },
  );

  it("gives a session its whole life when the plain one is gone", async () => {
    const bank = new Databank(memoryDriver());
    const old = new DatabankStore(bank, { ids: "classic", cleanupIntervalMs: 0 });
    await old.set("s", { cookie: { maxAge: DAY_MS }, ...CART });
    const store = new DatabankStore(bank, { ids: "upgrade", cleanupIntervalMs: 0 });

    await store.get("s");

    const [entry] = await collect(bank.scan("session"));
    expect(entry?.expiresAt).toBeGreaterThan(Date.now() + DAY_MS - 60_000);
  });

  it("leaves nothing under the plain id of a session that is replaced by hand", async () => {
    const bank = new Databank(memoryDriver());
    const old = new DatabankStore(bank, { ids: "classic", cleanupIntervalMs: 0 });
    await old.set("s", { cookie: { maxAge: DAY_MS }, ...CART });
    const store = new DatabankStore(bank, { ids: "upgrade", cleanupIntervalMs: 0 });

    await store.set("s", { cookie: { maxAge: 60_000 }, user: null });

    expect(await bank.find("session", "s")).toBeNull();
    expect(await store.get("s")).toMatchObject({ user: null });
  });

  it("finds a session that a server of the old way is changing", async () => {
    const { first, old, arrived, gate } = await open({ method: "write", when: "before" });
    const found = first.get("s");
    await arrived.opened;
    await old.set("s", { cookie: { maxAge: 60_000 }, ...CART, cart: 2 });
    gate.open();

    expect(await found).toMatchObject({ user: "ann", cart: 2 });
  });
});
