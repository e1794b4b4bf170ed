import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import { diskDriver } from "../../src/drivers/disk.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { sqliteDriver } from "../../src/drivers/sqlite.js";
import type { DatabankStoreOptions } from "../../src/store/options.js";
import { countingDriver, HOSTS, type Host, HostedStore } from "../support/hosted-store.js";

const CART = { user: "ann", cart: 1 };

/** Where sessions are, reached by two databanks, and the hosts that it is tried with. */
interface Place {
  readonly name: string;
  readonly hosts: readonly Host[];
  readonly banks: (dir: string) => readonly [Databank, Databank];
}

const PLACES: readonly Place[] = [
  {
    name: "memory",
    hosts: HOSTS,
    banks() {
      const bank = new Databank(memoryDriver());
      return [bank, bank];
    },
  },
  {
    name: "disk",
    hosts: HOSTS.slice(0, 1),
    banks: (dir) => [new Databank(diskDriver({ dir })), new Databank(diskDriver({ dir }))],
  },
  {
    name: "sqlite",
    hosts: HOSTS.slice(0, 1),
    banks(dir) {
      const url = `sqlite:${join(dir, "sessions.db")}`;
      return [new Databank(sqliteDriver({ url })), new Databank(sqliteDriver({ url }))];
    },
  },
];

for (const { place, host } of PLACES.flatMap((place) =>
  place.hosts.map((host) => ({ place, host })),
)) {
  for (const stores of [1, 2]) {
    describe(`${place.name}, ${host.name}, ${stores === 1 ? "one store" : "two stores"}`, () => {
      let dir: string;
      let banks: readonly [Databank, Databank];
      beforeAll(async () => {
        dir = await mkdtemp(join(tmpdir(), "provenance-"));
        banks = place.banks(dir);
      });
      afterAll(async () => {
        for (const bank of new Set(banks)) await bank.disconnect();
        await rm(dir, { recursive: true });
      });

      const opened: HostedStore[] = [];
      afterEach(async () => {
        for (const { store } of opened.splice(0)) await store.close();
      });

      // Two requests of one session, served by one store or by two on the same database.
      async function open(given?: DatabankStoreOptions) {
        const options = { type: `session-${randomUUID()}`, ...given };
        const first = new HostedStore(host, banks[0], options);
        const second = stores === 1 ? first : new HostedStore(host, banks[1], options);
        opened.push(first, second);
        expect(await first.store.set("s", first.fresh("s", CART))).toBe("created");
        return { first, second };
      }

      describe("gone means gone", () => {
        it("does not store a session that was destroyed since it was loaded", async () => {
          const { first, second } = await open();
          const mine = await first.load("s");
          mine.cart = 2;
          await second.store.destroy("s");

          expect(await first.store.set("s", mine)).toBe("gone");
          expect(await first.store.get("s")).toBeNull();
          expect(await first.names()).toEqual(["resurrection-prevented"]);
          expect(first.store.counts["resurrection-prevented"]).toBe(1);
        });

        it("does not store it at a second attempt either", async () => {
          const { first, second } = await open();
          const mine = await first.load("s");
          await second.store.destroy("s");
          mine.cart = 2;
          await first.store.set("s", mine);
          mine.cart = 3;

          expect(await first.store.set("s", mine)).toBe("gone");
          expect(await first.store.get("s")).toBeNull();
        });

        it("does not mix with another session under the same id", async () => {
          const { first, second } = await open();
          const mine = await first.load("s");
          mine.cart = 2;
          await second.store.destroy("s");
          await second.store.set("s", second.fresh("s", { user: "bob" }));

          expect(await first.store.set("s", mine)).toBe("gone");
          expect(await first.data("s")).toEqual({ user: "bob" });
        });

        it("does not bring a new session back after its own logout", async () => {
          const { first, second } = await open();
          const mine = first.fresh("t", { user: "ann" });
          await first.store.set("t", mine);
          await second.store.destroy("t");
          mine.late = true;

          expect(await first.store.set("t", mine)).toBe("gone");
          expect(await first.store.get("t")).toBeNull();
        });

        it("does not bring it back by a touch", async () => {
          const { first, second } = await open();
          const mine = await first.load("s");
          await second.store.destroy("s");

          expect(await first.store.touch("s", mine)).toBe("gone");
          expect(await first.store.get("s")).toBeNull();
        });

        it("does not bring it back by a touch that changes the lifetime", async () => {
          const { first, second } = await open();
          const mine = await first.load("s");
          mine.cookie.maxAge = 90_000;
          await second.store.destroy("s");

          expect(await first.store.touch("s", mine)).toBe("gone");
          expect(await first.store.get("s")).toBeNull();
        });

        it("does not store an expired session", async () => {
          const { first } = await open();
          const mine = await first.load("s");
          mine.cookie.maxAge = 1;
          await first.store.touch("s", mine);
          await new Promise((done) => setTimeout(done, 20));
          mine.cookie.maxAge = 60_000;
          mine.cart = 2;

          expect(await first.store.set("s", mine)).toBe("gone");
          expect(await first.store.get("s")).toBeNull();
        });
      });

      describe("two snapshots", () => {
        it("keeps what a merge brought when the same session is saved again", async () => {
          const { first, second } = await open();
          const [mine, theirs] = [await first.load("s"), await second.load("s")];
          theirs.theirs = 1;
          await second.store.set("s", theirs);
          mine.mine = 1;
          expect(await first.store.set("s", mine)).toBe("merged");
          mine.mine = 2;

          expect(await first.store.set("s", mine)).toBe("written");
          expect(await first.data("s")).toEqual({ ...CART, theirs: 1, mine: 2 });
        });

        it("deletes what was deleted here, and only that", async () => {
          const { first, second } = await open();
          const [mine, theirs] = [await first.load("s"), await second.load("s")];
          theirs.theirs = 1;
          await second.store.set("s", theirs);
          delete mine.cart;

          expect(await first.store.set("s", mine)).toBe("merged");
          expect(await first.data("s")).toEqual({ user: "ann", theirs: 1 });
        });

        it("compares by value: what looks the same in JSON was not changed", async () => {
          const { first, second } = await open();
          await first.store.update("s", (session) => {
            session.when = new Date(0);
            session.list = [{ a: 1, b: 2 }];
          });
          const mine = await first.load("s");
          mine.when = new Date(0);
          mine.nothing = undefined;
          mine.list = [{ b: 2, a: 1, toJSON: undefined }];
          await second.store.update("s", (session) => {
            session.when = "theirs";
          });

          expect(await first.store.set("s", mine)).toBe("touched");
          expect(await first.data("s")).toMatchObject({ when: "theirs" });
        });

        it("keeps stored properties that a session cannot show", async () => {
          const { first } = await open();
          await first.store.update("s", (session) => {
            session.touch = "a property with a method's name";
          });
          const mine = await first.load("s");
          mine.cart = 2;

          expect(await first.store.set("s", mine)).toBe("written");
          expect(await first.data("s")).toEqual({
            user: "ann",
            cart: 2,
            touch: "a property with a method's name",
          });
        });

        it("sends no value for a session without changes", async () => {
          const { driver, calls } = countingDriver();
          const hosted = new HostedStore(host, driver);
          await hosted.store.set("s", hosted.fresh("s", CART));
          const mine = await hosted.load("s");
          const written = calls.write;

          expect(await hosted.store.set("s", mine)).toBe("touched");
          expect(calls).toMatchObject({ write: written, touch: 1 });
        });
      });

      describe("a version that changed meanwhile", () => {
        it("keeps both sides' keys", async () => {
          const { first, second } = await open();
          const [mine, theirs] = [await first.load("s"), await second.load("s")];
          mine.mine = 1;
          theirs.theirs = 1;
          await second.store.set("s", theirs);

          expect(await first.store.set("s", mine)).toBe("merged");
          expect(await first.data("s")).toEqual({ ...CART, mine: 1, theirs: 1 });
          expect(await first.names()).toEqual(["merged"]);
        });

        it("tells of a key that both changed, without the session's id", async () => {
          const { first, second } = await open();
          const [mine, theirs] = [await first.load("s"), await second.load("s")];
          mine.cart = 2;
          theirs.cart = 3;
          await second.store.set("s", theirs);
          await first.store.set("s", mine);

          expect(await first.data("s")).toEqual({ user: "ann", cart: 2 });
          expect(await first.names()).toEqual(["conflict", "merged"]);
          expect(first.events[0]?.[1]).toEqual({
            session: expect.stringMatching(/^[\w-]{12}$/),
            key: "cart",
            kept: "mine",
          });
        });

        it("lets the application decide", async () => {
          const { first, second } = await open({
            resolve: (_key, base, mine, theirs) => Number(mine) + Number(theirs) - Number(base),
          });
          const [mine, theirs] = [await first.load("s"), await second.load("s")];
          mine.cart = 3;
          theirs.cart = 6;
          await second.store.set("s", theirs);
          await first.store.set("s", mine);

          expect(await first.data("s")).toEqual({ user: "ann", cart: 8 });
        });

        it("leaves the other request's logout by null alone", async () => {
          const { first, second } = await open();
          const [mine, theirs] = [await first.load("s"), await second.load("s")];
          mine.user = "ann, seen";
          theirs.user = null;
          await second.store.set("s", theirs);
          await first.store.set("s", mine);

          expect(await first.data("s")).toEqual({ user: null, cart: 1 });
        });

        it("merges cookies field by field and calls that no conflict", async () => {
          const { first, second } = await open();
          const [mine, theirs] = [await first.load("s"), await second.load("s")];
          mine.cookie.path = "/mine";
          mine.mine = 1;
          theirs.cookie.secure = true;
          theirs.theirs = 1;
          await second.store.set("s", theirs);
          await first.store.set("s", mine);

          const stored = await first.store.get("s");
          expect(stored?.cookie).toMatchObject({ path: "/mine", secure: true });
          expect(await first.names()).toEqual(["merged"]);
        });
      });

      describe("the deadline", () => {
        const remaining = async (hosted: HostedStore) => {
          const stored = await hosted.store.get("s");
          return Date.parse(String(stored?.cookie.expires)) - Date.now();
        };

        it("is not shortened by a late touch of a request that knew a shorter life", async () => {
          const { first, second } = await open();
          const [mine, theirs] = [await first.load("s"), await second.load("s")];
          theirs.cookie.maxAge = 86_400_000;
          await second.store.touch("s", theirs);
          mine.touch();
          await first.store.touch("s", mine);

          expect(await remaining(first)).toBeGreaterThan(86_000_000);
        });

        it("stays theirs when they changed the lifetime and I changed something else", async () => {
          const { first, second } = await open();
          const [mine, theirs] = [await first.load("s"), await second.load("s")];
          theirs.cookie.maxAge = 5000;
          await second.store.touch("s", theirs);
          mine.cart = 2;
          mine.touch();
          expect(await first.store.set("s", mine)).toBe("merged");

          expect(await remaining(first)).toBeLessThan(5001);
          expect((await first.store.get("s"))?.cookie.originalMaxAge).toBeLessThan(5001);
        });

        it("is set outright, shorter too, by a session that changes its lifetime", async () => {
          const { first } = await open();
          const mine = await first.load("s");
          mine.cookie.maxAge = 5000;

          expect(await first.store.touch("s", mine)).toBe("written");
          expect(await remaining(first)).toBeLessThan(5001);
        });

        it("is not moved by touches below touchIntervalMs, but by every change of lifetime", async () => {
          const { first } = await open({ touchIntervalMs: 3_600_000 });
          const mine = await first.load("s");
          mine.touch();
          await first.store.touch("s", mine);
          expect(await remaining(first)).toBeLessThan(60_001);
          mine.cookie.maxAge = 90_000;
          await first.store.touch("s", mine);

          expect(await remaining(first)).toBeGreaterThan(60_001);
        });
      });

      it("a touch that gains less than touchIntervalMs is not sent", async () => {
        const { driver, calls } = countingDriver();
        const hosted = new HostedStore(host, driver, { touchIntervalMs: 3_600_000 });
        await hosted.store.set("s", hosted.fresh("s", CART));
        const mine = await hosted.load("s");
        const { write } = calls;
        mine.touch();

        expect(await hosted.store.touch("s", mine)).toBe("touched");
        expect(await hosted.store.set("s", mine)).toBe("touched");
        expect(calls).toMatchObject({ write, touch: 0 });
      });

      describe("where sessions come from", () => {
        it("a new session takes one trip", async () => {
          const { driver, calls } = countingDriver();
          const hosted = new HostedStore(host, driver);

          expect(await hosted.store.set("s", hosted.fresh("s", CART))).toBe("created");
          expect(calls).toEqual({ read: 0, write: 1, touch: 0, del: 0 });
        });

        it("a constant can be set, destroyed and set again", async () => {
          const { first, second } = await open();
          const constant = { cookie: { maxAge: 60_000 }, user: "robot" };
          expect(await first.store.set("c", constant)).toBe("created");
          await second.store.destroy("c");

          expect(await first.store.set("c", constant)).toBe("created");
          expect(await second.data("c")).toEqual({ user: "robot" });
        });

        it("a plain object replaces a session, and its life goes on", async () => {
          const { first, second } = await open();
          const theirs = await second.load("s");
          await first.store.set("s", { cookie: {}, user: "robot" });
          theirs.seen = 1;

          expect(await second.store.set("s", theirs)).toBe("merged");
          expect(await first.data("s")).toEqual({ user: "robot", seen: 1 });
        });

        it.each(["what get returned", "a spread copy of it", "a session made of it by hand"])(
          "%s stays conditional",
          async (what) => {
            const { first, second } = await open();
            const got = (await first.store.get("s")) ?? { cookie: {} };
            const mine =
              what === "what get returned"
                ? got
                : what === "a spread copy of it"
                  ? { ...got }
                  : first.byHand("s", got);
            mine.cart = 2;
            await second.store.destroy("s");

            expect(await first.store.set("s", mine)).toBe("gone");
            expect(await first.store.get("s")).toBeNull();
          },
        );

        it("a spread copy of a live session stays conditional, and does not mislead the session", async () => {
          const { first } = await open();
          const mine = await first.load("s");
          const copy = { ...mine, extra: 1 };
          expect(await first.store.set("s", copy)).toBe("written");
          mine.cart = 2;
          await first.store.set("s", mine);

          expect(await first.data("s")).toEqual({ user: "ann", cart: 2, extra: 1 });
        });

        it("two spread copies of a live session keep each other's changes", async () => {
          const { first } = await open();
          const mine = await first.load("s");
          const [one, other] = [
            { ...mine, one: 1 },
            { ...mine, other: 1 },
          ];
          expect(await first.store.set("s", one)).toBe("written");
          expect(await first.store.set("s", other)).toBe("merged");

          expect(await first.data("s")).toEqual({ ...CART, one: 1, other: 1 });
        });

        it("a JSON clone is untracked, and says so", async () => {
          const { first } = await open();
          const mine = await first.load("s");
          await first.store.set("s", JSON.parse(JSON.stringify({ ...mine, cart: 2 })));

          expect(await first.data("s")).toEqual({ user: "ann", cart: 2 });
          expect(await first.names()).toEqual(["untracked"]);
        });

        it("a session of another store is a stranger, whose next save is conditional", async () => {
          const { first } = await open();
          const other = await open({ type: `session-${randomUUID()}` });
          await other.first.store.destroy("s");
          const mine = await first.load("s");

          expect(await other.first.store.set("s", mine)).toBe("created");
          await other.second.store.destroy("s");
          mine.cart = 2;
          expect(await other.first.store.set("s", mine)).toBe("gone");
          expect(await first.store.set("s", mine)).toBe("written");
        });

        it("a session saved under another id starts there anew", async () => {
          const { first } = await open();
          const mine = await first.load("s");

          expect(await first.store.set("other", mine)).toBe("created");
          expect(await first.data("other")).toEqual(CART);
        });
      });

      describe("saving", () => {
        it("two saves in one turn are no conflict", async () => {
          const { first } = await open();
          const mine = await first.load("s");
          mine.cart = 2;
          const one = first.store.set("s", mine);
          mine.cart = 3;
          const two = first.store.set("s", mine);

          expect(await Promise.all([one, two])).toEqual(["written", "written"]);
          expect(await first.data("s")).toEqual({ user: "ann", cart: 3 });
          expect(await first.names()).toEqual([]);
        });

        it("stores the session as it was at the call", async () => {
          const { first } = await open();
          const mine = await first.load("s");
          mine.cart = 2;
          const saved = first.store.set("s", mine);
          mine.cart = 3;
          await saved;

          expect(await first.data("s")).toEqual({ user: "ann", cart: 2 });
        });

        it("a reload and a save are no conflict", async () => {
          const { first, second } = await open();
          await first.load("s");
          await second.store.update("s", (session) => {
            session.cart = 7;
          });
          const reloaded = await first.load("s");
          reloaded.cart = 8;

          expect(await first.store.set("s", reloaded)).toBe("written");
        });

        it("tells req.session.save what became of it", async () => {
          const { first, second } = await open();
          const mine = await first.load("s");
          await second.store.destroy("s");
          mine.cart = 2;

          const outcome = await new Promise((resolve, reject) => {
            mine.save((error, result) => (error ? reject(error) : resolve(result)));
          });
          expect(outcome).toBe("gone");
        });

        it("update loses nothing among 20 at once", async () => {
          const { first, second } = await open();

          await Promise.all(
            Array.from({ length: 20 }, (_, i) =>
              (i % 2 ? first : second).store.update("s", (session) => {
                session.cart = Number(session.cart) + 1;
              }),
            ),
          );

          expect(await first.data("s")).toEqual({ user: "ann", cart: 21 });
        });

        it("update of a missing session stores nothing", async () => {
          const { first } = await open();

          expect(await first.store.update("none", () => ({ cookie: {} }))).toBe("gone");
          expect(await first.store.get("none")).toBeNull();
        });

        it("leaves the session object alone", async () => {
          const { first } = await open();
          const mine = await first.load("s");
          const before = JSON.stringify({ ...mine, cookie: null });
          mine.cart = 1;
          await first.store.set("s", mine);

          expect(JSON.stringify({ ...mine, cookie: null })).toBe(before);
          expect(Object.getOwnPropertySymbols(mine)).toEqual([]);
        });
      });
    });
  }
}
