import assert from "node:assert/strict";
import type { StoredEntry } from "../../databank/driver.js";
import { assertAbsent, assertConflict, assertStored } from "./assertions.js";
import { store, write } from "./calls.js";
import { HOUR_MS, MINUTE_MS } from "./deadlines.js";
import { change, entry, newVersion } from "./entries.js";
import type { Suite } from "./suite.js";

// The last moment that a Date can hold, either way.
const END_OF_TIME_MS = 8_640_000_000_000_000;

/** What deadlines do that are far away, already passed, or meet another one. */
export function testDeadlines(suite: Suite): void {
  for (const [name, expiresAt] of [
    ["null, which means never", null],
    ["in forty days", Date.now() + 40 * 24 * HOUR_MS],
    ["in a hundred years", Date.now() + 100 * 365 * 24 * HOUR_MS],
    ["at the end of the year 9999", 253_402_300_799_999],
    ["at the end of time", END_OF_TIME_MS],
  ] as const) {
    suite.test(`keeps a deadline ${name}`, async ({ driver, type }) => {
      const written = entry("a", { expiresAt });
      const touched = { ...entry("b"), expiresAt };
      await store(driver, type, [
        written,
        entry("b", { ...touched, expiresAt: Date.now() + MINUTE_MS }),
      ]);
      await driver.touch(type, [{ id: "b", expiresAt }]);

      await assertStored(driver, type, written);
      await assertStored(driver, type, touched);
    });
  }

  suite.test("sets the deadline outright, also an earlier one", async ({ driver, type }) => {
    const first = entry("a", { expiresAt: null });
    const second = change(first, first.version, { expiresAt: Date.now() + HOUR_MS });
    const third = change(second, "present", { expiresAt: Date.now() + MINUTE_MS });
    const fourth = change(third, undefined, { expiresAt: Date.now() + MINUTE_MS / 2 });
    const fifth = change(fourth, fourth.version, { expiresAt: null });

    for (const written of [first, second, third, fourth, fifth]) {
      await store(driver, type, [written]);
      await assertStored(driver, type, written);
    }
  });

  testExtend(suite);
  testPassedDeadlines(suite);
}

function testExtend(suite: Suite): void {
  const sooner = Date.now() + HOUR_MS;
  const later = Date.now() + 2 * HOUR_MS;

  for (const [name, stored, given, kept] of [
    ["a later stored one", later, sooner, later],
    ["a later given one", sooner, later, later],
    ["a stored never", null, later, null],
    ["a given never", later, null, null],
    ["a stored one when the given one has passed", later, Date.now() - MINUTE_MS, later],
  ] as const) {
    suite.test(`extend keeps ${name}`, async ({ driver, type }) => {
      for (const condition of ["version", "present", undefined]) {
        const first = entry(`${condition}`, { expiresAt: stored });
        const next = change(first, condition === "version" ? first.version : condition, {
          expiresAt: given,
          extend: true,
        });
        await store(driver, type, [first]);

        await store(driver, type, [next]);

        await assertStored(driver, type, { ...next, expiresAt: kept });
      }
    });
  }

  suite.test("extend is for the members of a batch that ask for it", async ({ driver, type }) => {
    const first = ["a", "b", "c", "d"].map((id) => entry(id, { expiresAt: later }));
    await store(driver, type, first);
    const next = first.map((each, i) => {
      const extend = [{ extend: true }, { extend: false }, {}, { extend: true }][i];
      return change(each, i < 2 ? each.version : undefined, { expiresAt: sooner, ...extend });
    });

    await store(driver, type, next);

    for (const each of next) {
      await assertStored(driver, type, { ...each, expiresAt: each.extend ? later : sooner });
    }
  });

  suite.test("extend creates with its own deadline", async ({ driver, type }) => {
    const created = entry("a", { extend: true, if: "absent" });
    const saved = entry("b", { extend: true });

    await store(driver, type, [created, saved]);

    await assertStored(driver, type, created);
    await assertStored(driver, type, saved);
  });

  suite.test(
    "extend does not move the deadline of a write that is refused",
    async ({ driver, type }) => {
      const first = entry("a", { expiresAt: sooner });
      await store(driver, type, [first]);

      const refused = { extend: true, expiresAt: null };
      const [result] = await write(driver, type, [change(first, newVersion(), refused)]);

      assertConflict(driver, result, first);
      await assertStored(driver, type, first);
    },
  );
}

/** Deadlines that have passed: lately, this moment, and before what calendars of databases hold. */
const passed = (): readonly number[] => [
  Date.now() - MINUTE_MS,
  Date.now(),
  0,
  -1,
  -END_OF_TIME_MS,
];

function testPassedDeadlines(suite: Suite): void {
  suite.test("a write with a passed deadline leaves nothing live", async ({ driver, type }) => {
    for (const expiresAt of passed()) {
      await store(driver, type, [entry("old")]);

      await store(driver, type, [
        entry("old", { expiresAt }),
        entry("new", { expiresAt }),
        entry("absent", { expiresAt, if: "absent" }),
        entry("extended", { expiresAt, extend: true }),
      ]);

      for (const id of ["old", "new", "absent", "extended"]) await assertAbsent(driver, type, id);
    }
  });

  suite.test("a write with a passed deadline heeds its condition", async ({ driver, type }) => {
    for (const expiresAt of passed()) {
      const kept: StoredEntry = entry("a");
      await store(driver, type, [kept]);

      const [absent] = await write(driver, type, [entry("a", { expiresAt, if: "absent" })]);
      const [other] = await write(driver, type, [change(kept, newVersion(), { expiresAt })]);
      const [present] = await write(driver, type, [entry("b", { expiresAt, if: "present" })]);

      assertConflict(driver, absent, kept);
      assertConflict(driver, other, kept);
      assertConflict(driver, present, null);
      await assertStored(driver, type, kept);
      assert.deepEqual(await write(driver, type, [change(kept, kept.version, { expiresAt })]), [
        "done",
      ]);
      await assertAbsent(driver, type, "a");
    }
  });
}
