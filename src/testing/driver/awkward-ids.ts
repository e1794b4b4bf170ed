import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Driver } from "../../databank/driver.js";
import { assertAbsent, assertConflict, assertEntry, assertStored } from "./assertions.js";
import { AWKWARD_STRINGS, SEPARATORS } from "./awkward-strings.js";
import { del, readAll, store, touch, write } from "./calls.js";
import { HOUR_MS } from "./deadlines.js";
import { change, entry } from "./entries.js";
import { clear, count, scannedIds } from "./listing.js";
import { Random, randomString } from "./random.js";
import type { Suite } from "./suite.js";

const lists = ({ capabilities }: Driver) => capabilities.scan;

const awkward = () => AWKWARD_STRINGS.map((id) => entry(id));

export function testAwkwardIds(suite: Suite): void {
  suite.test("are kept apart, whatever they look like", async ({ driver, type }) => {
    const written = awkward();
    await store(
      driver,
      type,
      written.map((each) => ({ ...each, if: "absent" })),
    );

    const found = await readAll(driver, type, AWKWARD_STRINGS.toReversed());

    for (const [i, each] of written.toReversed().entries()) assertEntry(driver, found[i], each);
  });

  suite.test("are told as they are in conflicts", async ({ driver, type }) => {
    const written = awkward();
    await store(driver, type, written);

    const results = await write(
      driver,
      type,
      written.map(({ id }) => entry(id, { if: "absent" })),
    );

    for (const [i, each] of written.entries()) assertConflict(driver, results[i], each);
  });

  suite.test("are written on conditions, each its own", async ({ driver, type }) => {
    const written = awkward();
    const changed = written.map((each, i) => change(each, i % 2 ? each.version : "present"));
    await store(driver, type, written);

    await store(driver, type, changed);

    const found = await readAll(driver, type, AWKWARD_STRINGS);
    for (const [i, each] of changed.entries()) assertEntry(driver, found[i], each);
  });

  suite.test("are touched, each its own", async ({ driver, type }) => {
    const written = awkward();
    const expiresAt = Date.now() + 2 * HOUR_MS;
    const isTouched = (i: number) => i % 3 === 0;
    await store(driver, type, written);
    const some = AWKWARD_STRINGS.filter((_, i) => isTouched(i));

    const touched = await touch(
      driver,
      type,
      some.map((id) => ({ id, expiresAt })),
    );

    assert.ok(touched.every((each) => each));
    for (const [i, found] of (await readAll(driver, type, AWKWARD_STRINGS)).entries()) {
      const before = written[i];
      assert.ok(before);
      assertEntry(driver, found, isTouched(i) ? { ...before, expiresAt } : before);
    }
  });

  suite.test("are deleted, each its own", async ({ driver, type }) => {
    await store(driver, type, awkward());
    const isDeleted = (i: number) => i % 2 === 0;
    const some = AWKWARD_STRINGS.filter((_, i) => isDeleted(i));

    const deleted = await del(
      driver,
      type,
      some.map((id) => ({ id })),
    );

    assert.ok(deleted.every((each) => each));
    for (const [i, found] of (await readAll(driver, type, AWKWARD_STRINGS)).entries()) {
      assert.equal(found?.id, isDeleted(i) ? undefined : AWKWARD_STRINGS[i]);
    }
  });

  suite.test(
    "are shown by a scan as they are",
    async ({ driver, type }) => {
      await store(driver, type, awkward());

      assert.deepEqual(await scannedIds(driver, type, 20), [...AWKWARD_STRINGS].sort());
      assert.equal(await count(driver, type), AWKWARD_STRINGS.length);
      await clear(driver, type);
      assert.deepEqual(await scannedIds(driver, type), []);
    },
    lists,
  );

  suite.test("may be any random strings", async ({ driver, type }) => {
    const random = new Random(suite.options.seed);
    const ids = new Set(Array.from({ length: suite.options.scale }, () => randomString(random)));
    const written = [...ids].map((id) => entry(id));
    await store(driver, type, written);

    const found = await readAll(driver, type, [...ids]);

    for (const [i, each] of written.entries()) {
      assert.equal(found[i]?.id, each.id, `an id of seed ${suite.options.seed}`);
      assertEntry(driver, found[i], each);
    }
  });
}

export function testAwkwardTypes(suite: Suite): void {
  suite.test("are kept apart, whatever they look like", async ({ driver, type }) => {
    const written = AWKWARD_STRINGS.map(
      (end) => [type + end, entry("a", { if: "absent" })] as const,
    );
    for (const [name, each] of written) await store(driver, name, [each]);

    for (const [name, each] of written) await assertStored(driver, name, each);
  });

  suite.test("may be words of the language or the database", async ({ driver }) => {
    const types = [
      "",
      " ",
      "\0",
      ".",
      "..",
      "__proto__",
      "constructor",
      "toString",
      "user",
      "order",
    ];
    types.push("table", "databank", "system.users", "coffees-drunk", "Ünïcode", "\ud800", "null");
    const id = randomUUID();
    const written = types.map((name) => [name, entry(id)] as const);
    for (const [name, each] of written) await store(driver, name, [each]);

    for (const [name, each] of written) {
      await assertStored(driver, name, each);
      assert.deepEqual(await del(driver, name, [{ id }]), [true]);
      await assertAbsent(driver, name, id);
    }
  });

  suite.test("and ids never run into one another", async ({ driver, type }) => {
    for (const separator of SEPARATORS) {
      const long = `${type}${separator}b`;
      const pairs = [
        [type, `b${separator}c`],
        [long, "c"],
        [type, `${separator}b${separator}c`],
        [`${type}${separator}`, `b${separator}c`],
        [`${long}${separator}c`, ""],
        [long, `${separator}c`],
        [`${long}${separator}`, "c"],
      ] as const;
      const written = pairs.map(([name, id]) => [name, entry(id, { if: "absent" })] as const);
      for (const [name, each] of written) await store(driver, name, [each]);

      for (const [name, each] of written) await assertStored(driver, name, each);
    }
  });
}
