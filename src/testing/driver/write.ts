import assert from "node:assert/strict";
import { assertAbsent, assertConflict, assertEntry, assertStored, isDone } from "./assertions.js";
import { del, maxBatch, readAll, store, write } from "./calls.js";
import { HOUR_MS } from "./deadlines.js";
import { change, entry, newVersion } from "./entries.js";
import type { Suite } from "./suite.js";

export function testWrite(suite: Suite): void {
  suite.test("creates without a condition", async ({ driver, type }) => {
    const written = entry("a");

    assert.deepEqual(await write(driver, type, [written]), ["done"]);

    await assertStored(driver, type, written);
  });

  suite.test("replaces all that is there without a condition", async ({ driver, type }) => {
    await store(driver, type, [entry("a")]);
    const second = entry("a", {
      json: "[2]",
      createdAt: Date.now() - 12_345,
      expiresAt: Date.now() + 2 * HOUR_MS,
    });

    assert.deepEqual(await write(driver, type, [second]), ["done"]);

    await assertStored(driver, type, second);
  });

  suite.test("answers the longest batch it allows", async ({ driver, type }) => {
    const written = Array.from({ length: maxBatch(driver) }, (_, i) => entry(`id-${i}`));

    const created = await write(
      driver,
      type,
      written.map((each) => ({ ...each, if: "absent" })),
    );
    const changes = written.map((each, i) =>
      change(each, i % 2 === 0 ? each.version : newVersion()),
    );
    const changed = await write(driver, type, changes.toReversed());

    assert.ok(created.every((result) => result === "done"));
    for (const [i, result] of changed.toReversed().entries()) {
      if (i % 2 === 0) assert.equal(result, "done");
      else assertConflict(driver, result, written[i] ?? null);
    }
  });

  suite.test("stores the time of creation as it is given", async ({ driver, type }) => {
    const old = entry("a", { createdAt: 1_000_000_000_123 });
    const later = change(old, old.version, { createdAt: 1_000_000_000_124 });
    await store(driver, type, [old]);
    await assertStored(driver, type, old);

    await store(driver, type, [later]);

    await assertStored(driver, type, later);
  });

  suite.test("writes one id in two types", async ({ driver, type }) => {
    const [here, there] = [entry("a"), entry("a")];

    await store(driver, type, [here]);
    await store(driver, `${type}2`, [{ ...there, if: "absent" }]);

    await assertStored(driver, type, here);
    await assertStored(driver, `${type}2`, there);
  });
}

export function testConditions(suite: Suite): void {
  suite.test("absent: creates where nothing is", async ({ driver, type }) => {
    const written = entry("a", { if: "absent" });

    assert.deepEqual(await write(driver, type, [written]), ["done"]);

    await assertStored(driver, type, written);
  });

  suite.test("absent: leaves a live entry alone and tells it", async ({ driver, type }) => {
    const first = entry("a", { createdAt: Date.now() - 5000 });
    await store(driver, type, [first]);

    const [result] = await write(driver, type, [entry("a", { if: "absent" })]);

    assertConflict(driver, result, first);
    await assertStored(driver, type, first);
  });

  suite.test("absent: creates where an entry was deleted", async ({ driver, type }) => {
    const second = entry("a", { if: "absent" });
    await store(driver, type, [entry("a")]);
    await del(driver, type, [{ id: "a" }]);

    assert.deepEqual(await write(driver, type, [second]), ["done"]);

    await assertStored(driver, type, second);
  });

  suite.test("present: replaces a live entry", async ({ driver, type }) => {
    const first = entry("a");
    const second = entry("a", { if: "present", createdAt: 5 });
    await store(driver, type, [first]);

    assert.deepEqual(await write(driver, type, [second]), ["done"]);

    await assertStored(driver, type, second);
  });

  suite.test("present: does not create", async ({ driver, type }) => {
    const [result] = await write(driver, type, [entry("a", { if: "present" })]);

    assertConflict(driver, result, null);
    await assertAbsent(driver, type, "a");
  });

  suite.test("version: replaces the entry that has it", async ({ driver, type }) => {
    const first = entry("a");
    const second = change(first, first.version);
    const third = change(second, second.version);
    await store(driver, type, [first]);

    await store(driver, type, [second]);
    await store(driver, type, [third]);

    await assertStored(driver, type, third);
  });

  suite.test("version: leaves another version alone and tells it", async ({ driver, type }) => {
    const first = entry("a");
    const second = change(first, first.version);
    await store(driver, type, [first]);
    await store(driver, type, [second]);

    const [result] = await write(driver, type, [change(first, first.version)]);

    assertConflict(driver, result, second);
    await assertStored(driver, type, second);
  });

  suite.test("version: does not create", async ({ driver, type }) => {
    const never = entry("a");

    const [result] = await write(driver, type, [change(never, never.version)]);

    assertConflict(driver, result, null);
    await assertAbsent(driver, type, "a");
  });

  suite.test("version: an entry created again is another one", async ({ driver, type }) => {
    const [first, second] = [entry("a"), entry("a")];
    await store(driver, type, [first]);
    await del(driver, type, [{ id: "a" }]);
    await store(driver, type, [second]);

    const [result] = await write(driver, type, [change(first, first.version)]);

    assertConflict(driver, result, second);
    await assertStored(driver, type, second);
  });

  suite.test("version: compares all of it, case included", async ({ driver, type }) => {
    const first = entry("a", { version: "AbcDef.xyz" });
    const others = ["abcdef.xyz", "AbcDef.xyzz", "AbcDef.xy", "AbcDef.", "AbcDef.0"];
    await store(driver, type, [first]);

    for (const other of others) {
      const [result] = await write(driver, type, [change(first, other)]);
      assertConflict(driver, result, first);
    }
  });

  suite.test("knows its own write when it is repeated", async ({ driver, type }) => {
    const first = entry("a", { if: "absent" });
    const second = change(first, first.version);
    await store(driver, type, [first]);
    const [again] = await write(driver, type, [first]);
    await store(driver, type, [second]);
    const [andAgain] = await write(driver, type, [second]);

    assert.ok(isDone(again, first) && isDone(andAgain, second));
    await assertStored(driver, type, second);
  });

  suite.test("tells the entry that is there now, not an older one", async ({ driver, type }) => {
    let current = entry("a");
    await store(driver, type, [current]);

    for (let i = 0; i < 5; i += 1) {
      current = change(current, current.version, { expiresAt: Date.now() + (i + 2) * HOUR_MS });
      await store(driver, type, [current]);
      const [refused] = await write(driver, type, [entry("a", { if: "absent" })]);
      assertConflict(driver, refused, current);
      const [outdated] = await write(driver, type, [change(current, newVersion())]);
      assertConflict(driver, outdated, current);
    }
  });

  suite.test("a refused write does not disturb its neighbours", async ({ driver, type }) => {
    const [a, b, c, d] = [entry("a"), entry("b"), entry("c"), entry("d")];
    await store(driver, type, [a, b, c, d]);
    const writes = [
      entry("a", { if: "absent" }),
      change(b, b.version),
      entry("new", { if: "absent" }),
      entry("gone", { if: "present" }),
      change(c, newVersion()),
      entry("d", { if: "present" }),
      entry("e"),
    ];

    const results = await write(driver, type, writes);

    assertConflict(driver, results[0], a);
    assertConflict(driver, results[3], null);
    assertConflict(driver, results[4], c);
    for (const i of [1, 2, 5, 6]) assert.equal(results[i], "done", `member ${i}`);
    const after = [a, writes[1], writes[2], null, c, writes[5], writes[6]];
    const found = await readAll(driver, type, ["a", "b", "new", "gone", "c", "d", "e"]);
    for (const [i, expected] of after.entries()) {
      if (expected) assertEntry(driver, found[i], expected);
      else assert.equal(found[i], null);
    }
  });
}
