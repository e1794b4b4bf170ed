import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type { Driver } from "../../src/databank/driver.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import type { DatabankStoreOptions } from "../../src/store/options.js";
import type { DatabankStore } from "../../src/store/store-class.js";
import { HOSTS, type Host, HostedStore, type Live } from "../support/hosted-store.js";

const host = HOSTS[0] as Host;
const CART = { user: "ann", cart: 0 };

/** Three servers on one database, which answers their calls in any order the scheduler likes. */
class Servers {
  /** The database itself, which nobody holds up. */
  readonly memory = memoryDriver();
  readonly #scheduler: fc.Scheduler;
  readonly #servers: readonly HostedStore[];

  constructor(scheduler: fc.Scheduler, options?: DatabankStoreOptions) {
    this.#scheduler = scheduler;
    const { memory } = this;
    const scheduled: Partial<Driver> = Object.fromEntries(
      (["read", "write", "touch", "del"] as const).map((method) => {
        const call = async (...args: unknown[]) => Reflect.apply(memory[method], memory, args);
        return [method, scheduler.scheduleFunction(call)];
      }),
    );
    this.#servers = Array.from({ length: 3 }, () => {
      return new HostedStore(host, new Databank({ ...memory, ...scheduled }), options);
    });
  }

  at(i: number): HostedStore {
    return this.#servers[i % this.#servers.length] as HostedStore;
  }

  /** Lets the database answer until all of this is done. */
  until<T>(work: Promise<T>): Promise<T> {
    return this.#scheduler.waitFor(work);
  }

  async create(): Promise<void> {
    const first = this.at(0);
    await this.until(first.store.set("s", first.fresh("s", CART)));
  }

  /** A session for each request, all loaded before anything else happens. */
  async load(count: number): Promise<Live[]> {
    const loads = Array.from({ length: count }, (_, i) => this.at(i).load("s"));
    return this.until(Promise.all(loads));
  }

  store(i: number): DatabankStore {
    return this.at(i).store;
  }

  data(): Promise<object | null> {
    return this.until(this.at(0).data("s"));
  }
}

function inAnyOrder(test: (servers: Servers) => Promise<void>, options?: DatabankStoreOptions) {
  return fc.assert(
    fc.asyncProperty(fc.scheduler(), (scheduler) => test(new Servers(scheduler, options))),
    { numRuns: 150 },
  );
}

describe("whatever the order in which the database answers", () => {
  it("no request loses what another has changed, however often each saves", () =>
    inAnyOrder(async (servers) => {
      await servers.create();
      const requests = Array.from({ length: 5 }, async (_, i) => {
        const mine = await servers.at(i).load("s");
        mine[`a${i}`] = 1;
        const early = servers.store(i).set("s", mine);
        mine[`b${i}`] = 1;
        await servers.store(i).set("s", mine);
        await early;
        await servers.store(i).touch("s", mine);
        delete mine[`a${i}`];
        mine[`b${i}`] = 2;
        await servers.store(i).set("s", mine);
      });
      const updates = Array.from({ length: 5 }, (_, i) =>
        servers.store(i).update("s", (session) => {
          session.cart = Number(session.cart) + 1;
        }),
      );
      await servers.until(Promise.all([...requests, ...updates]));

      const expected = Object.fromEntries(requests.map((_, i) => [`b${i}`, 2]));
      expect(await servers.data()).toEqual({ user: "ann", cart: 5, ...expected });
    }));

  it("nothing brings a destroyed session back", () =>
    inAnyOrder(async (servers) => {
      await servers.create();
      const loaded = await servers.load(4);
      let isDestroyed = false;
      const requests = loaded.map(async (mine, i) => {
        const store = servers.store(i);
        mine[`key${i}`] = 1;
        await store.set("s", mine);
        if (i % 2) mine.cookie.maxAge = 90_000;
        await store.touch("s", mine);
        const later = isDestroyed;
        const found = await store.get("s");
        if (later) expect(found).toBeNull();
        const outcome = await store.update("s", () => undefined);
        if (later) expect(outcome).toBe("gone");
        mine.late = true;
        await store.set("s", mine);
      });
      const destroyed = servers
        .store(2)
        .destroy("s")
        .then(() => {
          isDestroyed = true;
        });
      await servers.until(Promise.all([...requests, destroyed]));

      expect(await servers.data()).toBeNull();
    }));

  it("a new session is gone after its logout, or was created after it", () =>
    inAnyOrder(async (servers) => {
      const mine = servers.at(0).fresh("s", CART);
      const first = servers.store(0).set("s", mine);
      mine.cart = 1;
      const second = servers.store(0).set("s", mine);
      const here = servers.store(0).destroy("s");
      mine.cart = 2;
      const late = servers.store(0).set("s", mine);
      await servers.until(Promise.all([first, second, here, late]));

      expect(await late).toBe("gone");
      expect(await servers.data()).toBeNull();
    }));

  it("a logout by null stands, however often others save what they loaded before", () =>
    inAnyOrder(async (servers) => {
      await servers.create();
      const [leaving, ...others] = await servers.load(4);
      const requests = others.map(async (mine, i) => {
        for (const time of [1, 2, 3]) {
          if (time !== i) mine.user = `ann, seen ${time} times`;
          mine[`key${i}`] = time;
          await servers.store(i + 1).set("s", mine);
        }
      });
      if (!leaving) throw new Error("Nobody leaves");
      leaving.user = null;
      const left = servers.store(0).set("s", leaving);
      await servers.until(Promise.all([...requests, left]));

      expect(await servers.data()).toEqual({ user: null, cart: 0, key0: 3, key1: 3, key2: 3 });
    }));

  it("resolve sums up what all have added", () =>
    inAnyOrder(
      async (servers) => {
        await servers.create();
        const loaded = await servers.load(4);
        const requests = loaded.map(async (mine, i) => {
          for (const time of [1, 2, 3]) {
            mine.cart = Number(mine.cart) + time;
            mine[`key${i}`] = time;
            await servers.store(i).set("s", mine);
          }
        });
        await servers.until(Promise.all(requests));

        expect(await servers.data()).toMatchObject({ cart: 4 * 6 });
      },
      { resolve: (_key, base, mine, theirs) => Number(theirs) + Number(mine) - Number(base) },
    ));

  it("a shortened life stays short, however often others save", () =>
    inAnyOrder(async (servers) => {
      await servers.create();
      const [leaving, ...others] = await servers.load(4);
      if (!leaving) throw new Error("Nobody leaves");
      const requests = others.map(async (mine, i) => {
        for (const time of [1, 2]) {
          mine[`key${i}`] = time;
          await servers.store(i + 1).set("s", mine);
        }
      });
      leaving.cookie.maxAge = 5000;
      const left = servers.store(0).touch("s", leaving);
      await servers.until(Promise.all([...requests, left]));

      const stored = await servers.until(servers.store(0).get("s"));
      expect(stored?.cookie.originalMaxAge).toBeLessThan(5001);
      expect(Date.parse(String(stored?.cookie.expires)) - Date.now()).toBeLessThan(5001);
    }));

  it("the longest life stands, however often others touch", () =>
    inAnyOrder(async (servers) => {
      await servers.create();
      const [staying, ...others] = await servers.load(4);
      if (!staying) throw new Error("Nobody stays");
      const requests = others.map(async (mine, i) => {
        mine.touch();
        await servers.store(i + 1).touch("s", mine);
        mine[`key${i}`] = 1;
        await servers.store(i + 1).set("s", mine);
        await servers.store(i + 1).touch("s", mine);
      });
      staying.cookie.maxAge = 86_400_000;
      const stayed = servers.store(0).set("s", staying);
      await servers.until(Promise.all([...requests, stayed]));

      const stored = await servers.until(servers.store(0).get("s"));
      expect(Date.parse(String(stored?.cookie.expires)) - Date.now()).toBeGreaterThan(86_000_000);
      expect(stored).toMatchObject({ key0: 1, key1: 1, key2: 1 });
    }));

  it("servers that take over the sessions of version 1 undo no logout", () =>
    inAnyOrder(
      async (servers) => {
        const old = JSON.stringify({ cookie: { originalMaxAge: 60_000 }, ...CART, sid: "s" });
        const entry = { id: "s", json: old, version: "a.0", createdAt: 1, expiresAt: null };
        await servers.memory.write("session", [entry]);
        const requests = [0, 1, 2].map(async (i) => {
          const plain = await servers.store(i).get("s");
          if (!plain) return;
          plain[`key${i}`] = 1;
          await servers.store(i).set("s", plain);
        });
        const destroyed = servers.store(1).destroy("s");
        await servers.until(Promise.all([...requests, destroyed]));

        expect(await servers.data()).toBeNull();
      },
      { ids: "upgrade" },
    ));
});
