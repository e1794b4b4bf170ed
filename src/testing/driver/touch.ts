import assert from "node:assert/strict";
import { assertAbsent, assertEntry, assertStored } from "./assertions.js";
import { del, maxBatch, readAll, store, touch } from "./calls.js";
import { HOUR_MS, MINUTE_MS } from "./deadlines.js";
import { change, entry } from "./entries.js";
import type { Suite } from "./suite.js";

export function testTouch(suite: Suite): void {
  suite.test("moves the deadline and nothing else", async ({ driver, type }) => {
    const written = entry("a", { createdAt: 1234 });
    const expiresAt = Date.now() + 2 * HOUR_MS;
    await store(driver, type, [written]);

    assert.deepEqual(await touch(driver, type, [{ id: "a", expiresAt }]), [true]);

    await assertStored(driver, type, { ...written, expiresAt });
  });

  suite.test("does not change the version", async ({ driver, type }) => {
    const written = entry("a");
    const next = change(written, written.version);
    await store(driver, type, [written]);
    await touch(driver, type, [{ id: "a", expiresAt: Date.now() + 2 * HOUR_MS }]);

    await store(driver, type, [next]);

    await assertStored(driver, type, next);
  });

  suite.test("does not create", async ({ driver, type }) => {
    const expiresAt = Date.now() + HOUR_MS;

    const touched = await touch(driver, type, [
      { id: "a", expiresAt },
      { id: "b", expiresAt: null },
    ]);

    assert.deepEqual(touched, [false, false]);
    await assertAbsent(driver, type, "a");
    await assertAbsent(driver, type, "b");
  });

  suite.test("does not bring back what was deleted", async ({ driver, type }) => {
    await store(driver, type, [entry("a")]);
    await del(driver, type, [{ id: "a" }]);

    const touched = await touch(driver, type, [{ id: "a", expiresAt: Date.now() + HOUR_MS }]);

    assert.deepEqual(touched, [false]);
    await assertAbsent(driver, type, "a");
  });

  suite.test("never shortens a life", async ({ driver, type }) => {
    const written = entry("a");
    await store(driver, type, [written]);

    const sooner = await touch(driver, type, [{ id: "a", expiresAt: Date.now() + MINUTE_MS }]);
    const passed = await touch(driver, type, [{ id: "a", expiresAt: Date.now() - MINUTE_MS }]);

    assert.deepEqual([...sooner, ...passed], [true, true]);
    await assertStored(driver, type, written);
  });

  suite.test("takes null for never", async ({ driver, type }) => {
    const written = entry("a");
    await store(driver, type, [written]);

    assert.deepEqual(await touch(driver, type, [{ id: "a", expiresAt: null }]), [true]);

    await assertStored(driver, type, { ...written, expiresAt: null });
  });

  suite.test("leaves alone what never expires", async ({ driver, type }) => {
    const written = entry("a", { expiresAt: null });
    await store(driver, type, [written]);

    const touched = await touch(driver, type, [{ id: "a", expiresAt: Date.now() + HOUR_MS }]);
    const again = await touch(driver, type, [{ id: "a", expiresAt: null }]);

    assert.deepEqual([...touched, ...again], [true, true]);
    await assertStored(driver, type, written);
  });

  suite.test("is true for a deadline that is already so", async ({ driver, type }) => {
    const written = entry("a");
    await store(driver, type, [written]);

    const { expiresAt } = written;
    const first = await touch(driver, type, [{ id: "a", expiresAt }]);
    const second = await touch(driver, type, [{ id: "a", expiresAt }]);

    assert.deepEqual([...first, ...second], [true, true]);
    await assertStored(driver, type, written);
  });

  suite.test("answers in the order asked, and touches no neighbour", async ({ driver, type }) => {
    const [a, b, c, never] = [entry("a"), entry("b"), entry("c"), entry("d", { expiresAt: null })];
    const later = Date.now() + 2 * HOUR_MS;
    await store(driver, type, [a, b, c, never]);

    const touched = await touch(driver, type, [
      { id: "c", expiresAt: later },
      { id: "missing", expiresAt: later },
      { id: "d", expiresAt: later },
      { id: "gone", expiresAt: null },
      { id: "a", expiresAt: null },
    ]);

    assert.deepEqual(touched, [true, false, true, false, true]);
    const found = await readAll(driver, type, ["a", "b", "c", "d", "missing", "gone"]);
    assertEntry(driver, found[0], { ...a, expiresAt: null });
    assertEntry(driver, found[1], b);
    assertEntry(driver, found[2], { ...c, expiresAt: later });
    assertEntry(driver, found[3], never);
    assert.deepEqual(found.slice(4), [null, null]);
  });

  suite.test("answers the longest batch it allows", async ({ driver, type }) => {
    const ids = Array.from({ length: maxBatch(driver) }, (_, i) => `id-${i}`);
    const expiresAt = Date.now() + 2 * HOUR_MS;
    const written = ids.filter((_, i) => i % 2 === 0).map((id) => entry(id));
    await store(driver, type, written);

    const touched = await touch(
      driver,
      type,
      ids.map((id) => ({ id, expiresAt })),
    );

    assert.deepEqual(
      touched,
      ids.map((_, i) => i % 2 === 0),
    );
    for (const [i, found] of (await readAll(driver, type, ids)).entries()) {
      const before = written[i / 2];
      if (before) assertEntry(driver, found, { ...before, expiresAt });
      else assert.equal(found, null);
    }
  });
}
