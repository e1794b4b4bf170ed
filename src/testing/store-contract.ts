import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import {
  type Answer,
  type AnySession,
  type AnyStore,
  call,
  dataOf,
  destroy,
  eventually,
  get,
  isMissing,
  lengthOf,
  session,
  set,
  sid,
  touch,
} from "./store-calls.js";
import { testOwnListings, testOwnPromises } from "./store-promises.js";
import type { TestRunner } from "./test-runner.js";

export type { AnySession, AnyStore } from "./store-calls.js";

/** How the store contract comes by stores. */
export interface StoreContractOptions {
  /** Resolves to a store without sessions, or with none that others use; called once per test. */
  readonly open: () => Promise<{ readonly store: AnyStore; close(): Promise<unknown> | unknown }>;
  /**
   * Whether to test our own promises too, which other stores do not make.
   * @default false
   */
  readonly promises?: boolean;
  /**
   * How exactly deadlines are kept, in milliseconds: 1000 for databases that count in seconds.
   * @default 1
   */
  readonly expiryGranularityMs?: number;
  /**
   * Whether the database can list its entries, so that `all`, `length` and `clear` work.
   * @default true
   */
  readonly lists?: boolean;
}

/**
 * Registers the tests that a session store must pass: what express-session relies on and, if
 * asked, what connect-databank promises on top.
 *
 * @param runner - `describe` and `it` of any test runner.
 */
export function testStore({ describe, it }: TestRunner, options: StoreContractOptions): void {
  const contract = (name: string, body: (store: AnyStore) => Promise<void>) =>
    it(name, async () => {
      const { store, close } = await options.open();
      try {
        await body(store);
      } finally {
        await close();
      }
    });
  const granularityMs = options.expiryGranularityMs ?? 1;
  const shortMs = granularityMs === 1 ? 300 : 1500;
  const afterShortMs = shortMs + granularityMs + 150;

  describe("what express-session relies on", () => {
    contract("get answers with nothing for an id that was never set", async (store) => {
      assert.equal(await get(store, sid()), null);
    });

    contract("get answers with what set was given", async (store) => {
      const id = sid();
      const data = { user: { name: "ann" }, list: [1, "2", null, true], empty: "", zero: 0 };
      await set(store, id, session(data));

      assert.deepEqual(dataOf(await get(store, id)), data);
    });

    contract("set replaces what was there", async (store) => {
      const id = sid();
      await set(store, id, session({ a: 1, b: 1 }));
      await set(store, id, session({ b: 2 }));

      assert.deepEqual(dataOf(await get(store, id)), { b: 2 });
    });

    contract("get answers with a fresh object each time", async (store) => {
      const id = sid();
      await set(store, id, session({ list: [1] }));
      const first = await get(store, id);
      assert.ok(first);
      (first.list as unknown[]).push(2);
      first.cookie = {};

      assert.deepEqual(dataOf(await get(store, id)), { list: [1] });
    });

    contract("get answers with a cookie that createSession can use", async (store) => {
      const id = sid();
      await set(store, id, session({ a: 1 }));
      const plain = await get(store, id);
      assert.ok(plain);
      const request = { sessionID: id, sessionStore: store };
      const live = store.createSession(request, plain) as { cookie: { maxAge: unknown } };

      assert.equal(typeof live.cookie.maxAge, "number");
      assert.deepEqual(dataOf(JSON.parse(JSON.stringify(live))), { a: 1 });
    });

    contract("sessions do not mix", async (store) => {
      const [one, other] = [sid(), sid()];
      await set(store, one, session({ who: 1 }));
      await set(store, other, session({ who: 2 }));
      await destroy(store, one);

      assert.equal(await get(store, one), null);
      assert.deepEqual(dataOf(await get(store, other)), { who: 2 });
    });

    contract("destroy of a missing session is not an error", async (store) => {
      await destroy(store, sid());
    });

    contract("set and destroy do without a callback", async (store) => {
      const id = sid();
      store.set(id, session({ a: 1 }));
      await eventually(async () => (await get(store, id)) !== null);
      store.destroy(id);
      await eventually(async () => (await get(store, id)) === null);
    });

    contract("a session can be set again after it was destroyed", async (store) => {
      const id = sid();
      const constant = session({ a: 1 });
      await set(store, id, constant);
      await destroy(store, id);
      await set(store, id, constant);

      assert.deepEqual(dataOf(await get(store, id)), { a: 1 });
    });

    contract("get answers with nothing for a session past its deadline", async (store) => {
      const id = await inTime(shortMs, async (lifeMs) => {
        const id = sid();
        await set(store, id, session({ a: 1 }, lifeMs));
        const found = await get(store, id);
        return { id, check: () => assert.deepEqual(dataOf(found), { a: 1 }) };
      });
      await delay(afterShortMs - shortMs);

      assert.equal(await get(store, id), null);
    });

    contract("touch moves the deadline and nothing else", async (store) => {
      if (!store.touch) return;
      const id = await inTime(shortMs, async (lifeMs) => {
        const id = sid();
        await set(store, id, session({ a: 1 }, lifeMs));
        await touch(store, id, session({ a: "not stored by a touch" }, 60_000));
        return { id, check: () => {} };
      });
      await delay(afterShortMs - shortMs);

      assert.deepEqual(dataOf(await get(store, id)), { a: 1 });
    });

    contract("touch of a missing session is no error and makes none", async (store) => {
      if (!store.touch) return;
      const id = sid();
      await touch(store, id, session({ a: 1 })).catch(isMissing);

      assert.equal(await get(store, id), null);
    });

    contract("each callback is called once, and later", async (store) => {
      const id = sid();
      await calledOnce((callback) => store.set(id, session({ a: 1 }), callback));
      await calledOnce((callback) => store.get(id, callback));
      if (store.touch) await calledOnce((done) => store.touch?.(id, session({ a: 1 }), done));
      await calledOnce((callback) => store.destroy(id, callback));
      await calledOnce((callback) => store.get(id, callback));
      if (options.lists === false) return;
      if (store.all) await calledOnce((callback) => store.all?.(callback));
      if (store.clear) await calledOnce((callback) => store.clear?.(callback));
    });

    if (options.lists !== false) {
      contract("clear removes every session, and length counts them", async (store) => {
        if (!store.clear || typeof store.length !== "function") return;
        const count = () => call((done) => Reflect.apply(lengthOf(store), store, [done]));
        await call((done) => store.clear?.(done));
        await set(store, sid(), session({ a: 1 }));
        await set(store, sid(), session({ a: 2 }));
        assert.equal(await count(), 2);
        await call((done) => store.clear?.(done));
        assert.equal(await count(), 0);
      });

      contract("all answers with the sessions", async (store) => {
        if (!store.all) return;
        await set(store, sid(), session({ n: 1 }));
        await set(store, sid(), session({ n: 2 }));
        const all = Object.values((await call((done) => store.all?.(done))) as object);

        const found = all.map((each: AnySession) => each.n).filter((n) => n !== undefined);
        assert.deepEqual(found.sort(), [1, 2]);
      });
    }
  });

  if (!options.promises) return;
  testOwnPromises({ describe, it }, contract);
  if (options.lists !== false) {
    testOwnListings({ describe, it }, contract, { shortMs, afterShortMs });
  }
}

/**
 * Does something with a session of a short life, again with a longer one if the machine was too slow
 * for it, and waits for the life to end.
 */
async function inTime(
  shortMs: number,
  attempt: (lifeMs: number) => Promise<{ readonly id: string; check(): void }>,
): Promise<string> {
  for (let lifeMs = shortMs; ; lifeMs *= 2) {
    const end = Date.now() + lifeMs;
    const { id, check } = await attempt(lifeMs);
    if (Date.now() >= end) continue;
    check();
    await delay(end - Date.now());
    return id;
  }
}

/** Calls a method, and asserts that its callback is called after it returned, and not again. */
async function calledOnce(start: (callback: Answer) => unknown): Promise<void> {
  let calls = 0;
  let isLater = false;
  await new Promise<void>((resolve) => {
    start(() => {
      calls += 1;
      assert.ok(isLater, "the callback was called before the method returned");
      resolve();
    });
    isLater = true;
  });
  await delay(20);
  assert.equal(calls, 1);
}
