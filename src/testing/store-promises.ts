import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import {
  type AnySession,
  type AnyStore,
  call,
  dataOf,
  destroy,
  get,
  lengthOf,
  session,
  set,
  sid,
  touch,
} from "./store-calls.js";
import type { TestRunner } from "./test-runner.js";

/** Registers the tests of what our own store promises, beyond what express-session relies on. */
export function testOwnPromises(
  { describe }: TestRunner,
  contract: (name: string, body: (store: AnyStore) => Promise<void>) => void,
): void {
  /** The session of a request, as its host makes it. */
  async function load(store: AnyStore, id: string): Promise<AnySession> {
    const plain = await get(store, id);
    assert.ok(plain);
    const request = { sessionID: id, sessionStore: store };
    return store.createSession(request, plain) as AnySession;
  }

  describe("what connect-databank promises", () => {
    contract("logout means logout: a loaded session is not stored again", async (store) => {
      const id = sid();
      await set(store, id, session({ a: 1 }));
      const live = await load(store, id);
      live.a = 2;
      await destroy(store, id);
      await set(store, id, live);
      await touch(store, id, live);

      assert.equal(await get(store, id), null);
    });

    contract("no lost writes: requests that change different keys keep both", async (store) => {
      const id = sid();
      await set(store, id, session({ both: 0 }));
      const lives = await Promise.all(Array.from({ length: 10 }, () => load(store, id)));
      await Promise.all(
        lives.map((live, i) => {
          live[`key${i}`] = i;
          return set(store, id, live);
        }),
      );

      const expected = Object.fromEntries(lives.map((_, i) => [`key${i}`, i]));
      assert.deepEqual(dataOf(await get(store, id)), { both: 0, ...expected });
    });

    contract("a session is stored as it was at the call", async (store) => {
      const id = sid();
      const live = session({ a: 1 });
      const saved = set(store, id, live);
      live.a = 2;
      await saved;

      assert.deepEqual(dataOf(await get(store, id)), { a: 1 });
    });

    contract("calls on one session keep their order", async (store) => {
      const id = sid();
      const constant = session({ a: 1 });
      const first = set(store, id, constant);
      const second = set(store, id, session({ a: 2 }));
      const destroyed = destroy(store, id);
      await Promise.all([first, second, destroyed]);
      assert.equal(await get(store, id), null);

      const [one, other] = [set(store, id, session({ a: 3 })), set(store, id, session({ a: 4 }))];
      await Promise.all([one, other]);
      assert.deepEqual(dataOf(await get(store, id)), { a: 4 });
    });

    contract("set and touch tell what became of a session", async (store) => {
      const id = sid();
      const outcome = (method: "set" | "touch", live: AnySession) =>
        call((callback) => store[method]?.(id, live, callback));
      assert.equal(await outcome("set", session({ a: 1 })), "created");
      const [mine, theirs] = [await load(store, id), await load(store, id)];
      assert.equal(await outcome("set", mine), "touched");
      mine.mine = 1;
      assert.equal(await outcome("set", mine), "written");
      theirs.theirs = 1;
      assert.equal(await outcome("set", theirs), "merged");
      assert.equal(await outcome("touch", mine), "touched");
      await destroy(store, id);
      assert.equal(await outcome("touch", mine), "gone");
      mine.mine = 2;
      assert.equal(await outcome("set", mine), "gone");
    });

    contract("set and touch leave the session as it is", async (store) => {
      const id = sid();
      const plain = session({ list: [1] });
      const keys = () => [Reflect.ownKeys(plain), Reflect.ownKeys(plain.cookie)];
      const before = [JSON.stringify(plain), keys()];
      await set(store, id, plain);
      await touch(store, id, plain);

      assert.deepEqual([JSON.stringify(plain), keys()], before);
    });

    contract("a touch never shortens a life", async (store) => {
      const id = sid();
      await set(store, id, session({ a: 1 }, 3_600_000));
      await touch(store, id, session({ a: 1 }, 1000));
      const { expires } = ((await get(store, id))?.cookie ?? {}) as { expires?: string };

      assert.ok(Date.parse(String(expires)) - Date.now() > 3_500_000, "the touch shortened it");
    });

    contract("cookie.expires agrees with the deadline after a touch", async (store) => {
      const id = sid();
      await set(store, id, session({ a: 1 }, 60_000));
      await touch(store, id, session({ a: 1 }, 3_600_000));
      const { expires } = ((await get(store, id))?.cookie ?? {}) as { expires?: string };

      const remainingMs = Date.parse(String(expires)) - Date.now();
      assert.ok(remainingMs > 3_500_000 && remainingMs < 3_602_000, `${remainingMs} ms remain`);
    });

    contract("an id is any text", async (store) => {
      const ids = [
        "../../x",
        "a\0b",
        "x".repeat(5000),
        "\ud800",
        "https://op/|sub",
        "__proto__",
        " ",
      ];
      for (const id of ids) await set(store, id, session({ id }));
      for (const id of ids) assert.deepEqual(dataOf(await get(store, id)), { id });
      for (const id of ids) await destroy(store, id);
    });

    contract("what is no text is no session", async (store) => {
      for (const id of [undefined, null, 7, {}, ["a"], new String("a")]) {
        assert.equal(await get(store, id as string), null);
        await destroy(store, id as string);
      }
    });

    contract("what JSON cannot hold is an error, and the old session stays", async (store) => {
      const id = sid();
      await set(store, id, session({ a: 1 }));
      const cycle: AnySession = session({});
      cycle.self = cycle;

      await assert.rejects(set(store, id, cycle), { code: "DATABANK_INVALID_VALUE" });
      await assert.rejects(set(store, id, session({ n: 1n })), { code: "DATABANK_INVALID_VALUE" });
      assert.deepEqual(dataOf(await get(store, id)), { a: 1 });
    });

    contract("cookies that are missing or make no sense are no error", async (store) => {
      for (const cookie of [
        undefined,
        null,
        {},
        { expires: new Date(Number.NaN) },
        { expires: "x" },
      ]) {
        const id = sid();
        await set(store, id, { cookie: cookie as object, a: 1 });
        assert.deepEqual(dataOf(await get(store, id)), { a: 1 });
      }
    });

    contract("without a callback there is a promise", async (store) => {
      const id = sid();
      await store.set(id, session({ a: 1 }));
      const got: unknown = await Reflect.apply(store.get, store, [id]);

      assert.deepEqual(dataOf(got as AnySession), { a: 1 });
      assert.equal(await store.destroy(id), undefined);
    });
  });
}

/** Registers the tests of what our own store promises of methods that list sessions. */
export function testOwnListings(
  { describe }: TestRunner,
  contract: (name: string, body: (store: AnyStore) => Promise<void>) => void,
  { shortMs, afterShortMs }: { readonly shortMs: number; readonly afterShortMs: number },
): void {
  describe("what connect-databank promises of listings", () => {
    contract("all and length leave out what has expired", async (store) => {
      await set(store, sid(), session({ n: 1 }));
      await set(store, sid(), session({ n: 2 }, shortMs));
      await delay(afterShortMs);
      const all = (await call((done) => store.all?.(done))) as AnySession[];

      assert.deepEqual(
        all.map(({ n }) => n),
        [1],
      );
      assert.equal(await call((done) => Reflect.apply(lengthOf(store), store, [done])), 1);
    });
  });
}
