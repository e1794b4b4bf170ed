import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { TestRunner } from "./test-runner.js";

type Answer = (error?: unknown, result?: unknown) => void;

/** What every session store for express-session has. */
export interface AnyStore {
  get(sid: string, callback: Answer): unknown;
  set(sid: string, session: AnySession, callback?: Answer): unknown;
  destroy(sid: string, callback?: Answer): unknown;
  touch?(sid: string, session: AnySession, callback?: Answer): unknown;
  all?(callback: Answer): unknown;
  length?: unknown;
  clear?(callback?: Answer): unknown;
  createSession(request: object, session: AnySession): unknown;
}

/** A session as stores take it: with a cookie. */
export interface AnySession {
  cookie: object;
  [property: string]: unknown;
}

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
      const id = sid();
      await set(store, id, session({ a: 1 }, shortMs));
      assert.deepEqual(dataOf(await get(store, id)), { a: 1 });
      await delay(afterShortMs);

      assert.equal(await get(store, id), null);
    });

    contract("touch moves the deadline and nothing else", async (store) => {
      if (!store.touch) return;
      const id = sid();
      await set(store, id, session({ a: 1 }, shortMs));
      await touch(store, id, session({ a: "not stored by a touch" }, 60_000));
      await delay(afterShortMs);

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
      for (const call of [
        (callback: Answer) => store.set(id, session({ a: 1 }), callback),
        (callback: Answer) => store.get(id, callback),
        (callback: Answer) => store.destroy(id, callback),
      ]) {
        let calls = 0;
        let isLater = false;
        await new Promise<void>((resolve) => {
          call(() => {
            calls += 1;
            assert.ok(isLater, "the callback was called before the method returned");
            resolve();
          });
          isLater = true;
        });
        await delay(20);
        assert.equal(calls, 1);
      }
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

  if (options.promises) testOwnPromises({ describe, it }, contract);
}

function testOwnPromises(
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

function lengthOf(store: AnyStore): (callback: Answer) => unknown {
  return store.length as (callback: Answer) => unknown;
}

function sid(): string {
  return randomUUID();
}

/** A session with a cookie like express-session's, which tells its `maxAge` but not in JSON. */
function session(data: object, maxAge = 60_000): AnySession {
  const expires = new Date(Date.now() + maxAge);
  const cookie = { originalMaxAge: maxAge, expires, httpOnly: true, path: "/" };
  Object.defineProperty(cookie, "maxAge", { get: () => expires.getTime() - Date.now() });
  return { cookie, ...data };
}

function dataOf(found: AnySession | null): Record<string, unknown> | null {
  if (!found) return null;
  // Some stores keep notes of their own in what they store.
  const { cookie: _, __lastAccess: _note, sid: _sid, ...data } = found;
  return data;
}

function call(start: (callback: Answer) => unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    start((error, result) => (error ? reject(error) : resolve(result)));
  });
}

// express-session takes an error with this code for a missing session.
function isMissing(error: unknown): void {
  if ((error as { code?: unknown }).code !== "ENOENT") throw error;
}

async function get(store: AnyStore, id: string): Promise<AnySession | null> {
  const found = await call((callback) => store.get(id, callback)).catch(isMissing);
  return (found as AnySession | null | undefined) ?? null;
}

async function set(store: AnyStore, id: string, value: AnySession): Promise<void> {
  await call((callback) => store.set(id, value, callback));
}

async function touch(store: AnyStore, id: string, value: AnySession): Promise<void> {
  await call((callback) => store.touch?.(id, value, callback));
}

async function destroy(store: AnyStore, id: string): Promise<void> {
  await call((callback) => store.destroy(id, callback));
}

async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, "it did not happen within five seconds");
    await delay(10);
  }
}
