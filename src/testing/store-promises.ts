import assert from "node:assert/strict";
import {
  type AnySession,
  type AnyStore,
  dataOf,
  destroy,
  get,
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
