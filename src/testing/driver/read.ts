import assert from "node:assert/strict";
import { assertAbsent, assertEntry, assertStored } from "./assertions.js";
import { maxBatch, read, readAll, store, touch } from "./calls.js";
import { assertDeadline, HOUR_MS } from "./deadlines.js";
import { change, entry, newVersion } from "./entries.js";
import type { Suite } from "./suite.js";

export function testRead(suite: Suite): void {
  suite.test("resolves to null for what is not there", async ({ driver, type }) => {
    await store(driver, type, [entry("a")]);

    assert.deepEqual(await readAll(driver, type, ["b", "aa", ""]), [null, null, null]);
  });

  suite.test("gives back an entry as it was written", async ({ driver, type }) => {
    const written = entry("a");
    await store(driver, type, [written]);

    await assertStored(driver, type, written);
  });

  suite.test("answers in the order asked, with null in the gaps", async ({ driver, type }) => {
    const [a, b, c] = [entry("a"), entry("b"), entry("c")];
    await store(driver, type, [a, b, c]);

    const found = await readAll(driver, type, ["c", "missing", "a", "gone", "b"]);

    assert.equal(found.length, 5);
    assertEntry(driver, found[0], c);
    assert.equal(found[1], null);
    assertEntry(driver, found[2], a);
    assert.equal(found[3], null);
    assertEntry(driver, found[4], b);
  });

  suite.test("answers the longest batch it allows", async ({ driver, type }) => {
    const written = Array.from({ length: maxBatch(driver) }, (_, i) => entry(`id-${i}`));
    await store(driver, type, written);

    const ids = written.map(({ id }) => id).reverse();
    const found = await readAll(driver, type, ids);

    for (const [i, each] of written.reverse().entries()) assertEntry(driver, found[i], each);
  });

  suite.test("does not show the entries of another type", async ({ driver, type }) => {
    await store(driver, type, [entry("a")]);

    await assertAbsent(driver, `${type}x`, "a");
    await assertAbsent(driver, type.slice(0, -1), "a");
    await assertAbsent(driver, type.toUpperCase(), "a");
  });

  suite.test("leaves out at most the value of a known version", async ({ driver, type }) => {
    const written = entry("a");
    await store(driver, type, [written]);

    const [found] = await driver.read(type, [{ id: "a", known: written.version }]);

    assert.ok(found && !(found instanceof Error), "there is no entry");
    assertEntry(driver, { ...found, json: found.json ?? written.json }, written);
  });

  suite.test("tells the deadline of a known version as it is by now", async ({ driver, type }) => {
    const written = entry("a");
    const expiresAt = Date.now() + 2 * HOUR_MS;
    await store(driver, type, [written]);
    await driver.read(type, [{ id: "a", known: written.version }]);
    await touch(driver, type, [{ id: "a", expiresAt }]);

    const [found] = await driver.read(type, [{ id: "a", known: written.version }]);

    assert.ok(found && !(found instanceof Error), "there is no entry");
    assertDeadline(driver, found.expiresAt, expiresAt);
  });

  suite.test("gives the value of any version but the known one", async ({ driver, type }) => {
    const [a, b, c] = [entry("a"), entry("b"), entry("c")];
    const changed = change(a, a.version);
    await store(driver, type, [a, b, c]);
    await store(driver, type, [changed]);

    const [first, second, missing, third] = await driver.read(type, [
      { id: "a", known: a.version },
      { id: "b", known: newVersion() },
      { id: "missing", known: b.version },
      { id: "c" },
    ]);

    for (const [found, written] of [
      [first, changed] as const,
      [second, b] as const,
      [third, c] as const,
    ]) {
      assert.ok(found && !(found instanceof Error), "there is no entry");
      assert.ok(found.json !== undefined, "the value was left out");
      assertEntry(driver, found, written);
    }
    assert.equal(missing, null);
  });

  suite.test("does not change what it reads", async ({ driver, type }) => {
    const written = entry("a");
    await store(driver, type, [written]);

    await read(driver, type, "a");
    await driver.read(type, [{ id: "a", known: written.version }]);

    await assertStored(driver, type, written);
  });
}
