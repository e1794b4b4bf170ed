import assert from "node:assert/strict";
import { assertAbsent, assertStored } from "./assertions.js";
import { del, maxBatch, readAll, store } from "./calls.js";
import { change, entry, newVersion } from "./entries.js";
import type { Suite } from "./suite.js";

export function testDel(suite: Suite): void {
  suite.test("deletes an entry and no other", async ({ driver, type }) => {
    const other = entry("b");
    await store(driver, type, [entry("a"), other]);
    await store(driver, `${type}2`, [entry("a")]);

    assert.deepEqual(await del(driver, type, [{ id: "a" }]), [true]);

    await assertAbsent(driver, type, "a");
    await assertStored(driver, type, other);
    assert.notEqual((await readAll(driver, `${type}2`, ["a"]))[0], null);
  });

  suite.test("is false for what is not there", async ({ driver, type }) => {
    await store(driver, type, [entry("a")]);

    const never = await del(driver, type, [{ id: "b" }, { id: "c", if: newVersion() }]);
    const first = await del(driver, type, [{ id: "a" }]);
    const second = await del(driver, type, [{ id: "a" }]);

    assert.deepEqual([...never, ...first, ...second], [false, false, true, false]);
  });

  suite.test("deletes the version asked for", async ({ driver, type }) => {
    const first = entry("a");
    const second = change(first, first.version);
    await store(driver, type, [first]);
    await store(driver, type, [second]);

    assert.deepEqual(await del(driver, type, [{ id: "a", if: second.version }]), [true]);

    await assertAbsent(driver, type, "a");
  });

  suite.test("leaves another version alone", async ({ driver, type }) => {
    const first = entry("a");
    const second = change(first, first.version);
    await store(driver, type, [first]);
    await store(driver, type, [second]);

    assert.deepEqual(await del(driver, type, [{ id: "a", if: first.version }]), [false]);

    await assertStored(driver, type, second);
  });

  suite.test("answers in the order asked", async ({ driver, type }) => {
    const [a, b, c, d] = [entry("a"), entry("b"), entry("c"), entry("d")];
    await store(driver, type, [a, b, c, d]);

    const deleted = await del(driver, type, [
      { id: "missing" },
      { id: "d" },
      { id: "b", if: newVersion() },
      { id: "a", if: a.version },
      { id: "gone", if: a.version },
    ]);

    assert.deepEqual(deleted, [false, true, false, true, false]);
    const left = (await readAll(driver, type, ["a", "b", "c", "d"])).map((found) => found?.id);
    assert.deepEqual(left, [undefined, "b", "c", undefined]);
  });

  suite.test("answers the longest batch it allows", async ({ driver, type }) => {
    const ids = Array.from({ length: maxBatch(driver) }, (_, i) => `id-${i}`);
    await store(
      driver,
      type,
      ids.filter((_, i) => i % 2 === 0).map((id) => entry(id)),
    );

    const deleted = await del(
      driver,
      type,
      ids.map((id) => ({ id })),
    );

    assert.deepEqual(
      deleted,
      ids.map((_, i) => i % 2 === 0),
    );
    assert.ok((await readAll(driver, type, ids)).every((found) => found === null));
  });
}
