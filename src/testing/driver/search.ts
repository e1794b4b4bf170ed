import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Driver, StoredEntry, Write } from "../../databank/driver.js";
import { assertEntry } from "./assertions.js";
import { del, store, touch, write } from "./calls.js";
import { HOUR_MS } from "./deadlines.js";
import { change, entry, newVersion } from "./entries.js";
import { collect } from "./listing.js";
import type { Suite } from "./suite.js";

/** Values that a search must tell apart, or the databank after it. */
const VALUES: readonly unknown[] = [
  "u",
  "U",
  "ü",
  "u ",
  "",
  " ",
  "1",
  1,
  1.5,
  -1,
  0,
  1e21,
  true,
  false,
  "true",
  null,
  "null",
  "' OR 1=1 --",
  '"',
  "\\",
  "%",
  "*",
  "a:b",
  "{x}",
  "\0",
  "\ud800",
  "😀",
  "x".repeat(5000),
];

const searches = ({ capabilities }: Driver) => capabilities.search;

export function testSearch(suite: Suite): void {
  const type = suite.indexedType;

  /** Searches for values at paths; gives what also matches by the databank's own look at it. */
  async function search(driver: Driver, criteria: Record<string, unknown>, limit = 50) {
    const asked = Object.entries(criteria).map(([path, value]) => ({ path, json: toText(value) }));
    const found = await collect(limit, async (cursor) => {
      assert.ok(driver.search, "there is no search");
      return driver.search(type, asked, { limit, cursor });
    });
    const matching = found.filter(({ json }) =>
      asked.every((criterion) => textAt(JSON.parse(json), criterion.path) === criterion.json),
    );
    return [...new Map(matching.map((each) => [each.id, each])).values()];
  }

  function assertFound(driver: Driver, found: readonly StoredEntry[], expected: readonly Write[]) {
    const byId = new Map(found.map((each) => [each.id, each]));
    assert.equal(byId.size, expected.length, "as many are found as match");
    for (const each of expected) assertEntry(driver, byId.get(each.id), each);
  }

  const test = (name: string, body: (driver: Driver, user: string) => Promise<void>) =>
    suite.test(name, async ({ driver }) => body(driver, randomUUID()), searches);

  /** An entry of a user; ids are random, because these tests share a type. */
  const owned = (user: unknown, rest: object = {}, fields: Partial<Write> = {}) =>
    entry(randomUUID(), { json: toText({ user: { id: user }, ...rest }), ...fields });

  test("finds the entries with a value at a path, as they were written", async (driver, user) => {
    const mine = [owned(user), owned(user, { tag: "x" })];
    await store(driver, type, [...mine, owned(randomUUID()), entry(randomUUID()), owned(null)]);

    assertFound(driver, await search(driver, { "user.id": user }), mine);
    assert.deepEqual(await search(driver, { "user.id": randomUUID() }), []);
  });

  test("finds what meets two criteria", async (driver, user) => {
    const both = owned(user, { tag: "x" });
    await store(driver, type, [
      both,
      owned(user, { tag: "y" }),
      owned(user),
      owned(randomUUID(), { tag: "x" }),
    ]);

    assertFound(driver, await search(driver, { "user.id": user, tag: "x" }), [both]);
    assertFound(driver, await search(driver, { tag: "x", "user.id": user }), [both]);
  });

  test("finds values of every scalar type, and of any length", async (driver, user) => {
    const entries = VALUES.map((tag) => owned(user, { tag }));
    await store(driver, type, [...entries, owned(user)]);

    for (const [i, tag] of VALUES.entries()) {
      const expected = entries.slice(i, i + 1);
      assertFound(driver, await search(driver, { "user.id": user, tag }), expected);
    }
  });

  test("stores what has objects and arrays where a scalar is looked for", async (driver, user) => {
    const odd = [{ tag: { a: 1 } }, { tag: [1, "x"] }, { tag: [] }, { tag: {} }];
    const mine = odd.map((rest) => owned(user, rest));
    const others = [{ user: 5 }, { user: [] }, { user: null }, [], "user", 7, null].map((value) =>
      entry(randomUUID(), { json: toText(value) }),
    );

    await store(driver, type, [...mine, ...others]);

    assertFound(driver, await search(driver, { "user.id": user }), mine);
  });

  test("finds a property whose name is the whole path", async (driver, user) => {
    const other = randomUUID();
    const literal = entry(randomUUID(), { json: toText({ "user.id": user }) });
    const both = entry(randomUUID(), { json: toText({ "user.id": other, user: { id: user } }) });
    const path = owned(user);
    await store(driver, type, [literal, both, path]);

    assertFound(driver, await search(driver, { "user.id": user }), [literal, path]);
    assertFound(driver, await search(driver, { "user.id": other }), [both]);
  });

  test("follows a value that changes", async (driver, user) => {
    const after = randomUUID();
    const [a, b, c] = [owned(user), owned(user), owned(user)];
    const json = toText({ user: { id: after } });
    const changed = [change(a, a.version, { json }), change(b, undefined, { json })];
    await store(driver, type, [a, b, c]);

    await store(driver, type, changed);
    await write(driver, type, [change(c, newVersion(), { json })]);

    assertFound(driver, await search(driver, { "user.id": after }), changed);
    assertFound(driver, await search(driver, { "user.id": user }), [c]);
  });

  test("does not show what was deleted", async (driver, user) => {
    const [a, b] = [owned(user), owned(user)];
    await store(driver, type, [a, b]);
    await del(driver, type, [{ id: a.id }]);

    assertFound(driver, await search(driver, { "user.id": user }), [b]);
    await store(driver, type, [{ ...a, if: "absent" }]);
    assertFound(driver, await search(driver, { "user.id": user }), [a, b]);
  });

  test("goes by pages of about the limit, and comes to an end", async (driver, user) => {
    const mine = Array.from({ length: 40 }, () => owned(user));
    await store(driver, type, [...mine, ...Array.from({ length: 20 }, () => owned(null))]);

    for (const limit of [1, 7, 40, 1000]) {
      assertFound(driver, await search(driver, { "user.id": user }, limit), mine);
    }
  });

  suite.timed(
    "does not show what has expired, but what was touched in time",
    async ({ driver }, soon) => {
      const user = randomUUID();
      const [gone, saved, kept] = [soon, soon, soon].map((expiresAt) =>
        owned(user, {}, { expiresAt }),
      );
      assert.ok(gone && saved && kept);
      await store(driver, type, [gone, saved, kept]);
      const expiresAt = Date.now() + HOUR_MS;
      await touch(driver, type, [
        { id: saved.id, expiresAt },
        { id: kept.id, expiresAt: null },
      ]);
      return {
        user,
        live: [
          { ...saved, expiresAt },
          { ...kept, expiresAt: null },
        ],
      };
    },
    async ({ driver }, { user, live }) => {
      assertFound(driver, await search(driver, { "user.id": user }), live);
    },
    searches,
  );
}

/** JSON text as the databank makes it; it would be `undefined` for nothing else than `undefined`. */
function toText(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}

/**
 * The JSON text of what is at a dotted path, or `undefined` where nothing is. A property whose name
 * is the whole path wins over the path.
 */
function textAt(value: unknown, path: string): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const own: unknown = Object.getOwnPropertyDescriptor(value, path)?.value;
  if (own !== undefined) return JSON.stringify(own);
  const [name = "", ...rest] = path.split(".");
  if (rest.length === 0) return undefined;
  return textAt(Object.getOwnPropertyDescriptor(value, name)?.value, rest.join("."));
}
