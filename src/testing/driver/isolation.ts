import assert from "node:assert/strict";
import type { Driver } from "../../databank/driver.js";
import { assertAbsent, assertEntry, assertStored } from "./assertions.js";
import { del, read, store, touch, write } from "./calls.js";
import { HOUR_MS } from "./deadlines.js";
import { change, entry } from "./entries.js";
import { scan } from "./listing.js";
import type { Suite } from "./suite.js";

const FOREIGN = { id: "x", json: "0", version: "x.x", createdAt: 0, expiresAt: null };

/** Overwrites all fields, as a careless caller might. */
function spoil(given: unknown): void {
  if (typeof given === "object" && given !== null && !Object.isFrozen(given)) {
    Object.assign(given, FOREIGN);
  }
}

export function testIsolation(suite: Suite): void {
  suite.test("keeps no hold of what it was given", async ({ driver, type }) => {
    const written = entry("a");
    const given = { ...written };
    const members = [given];
    await store(driver, type, members);

    spoil(given);
    members.length = 0;

    await assertStored(driver, type, written);
  });

  suite.test("hands out copies", async ({ driver, type }) => {
    const written = entry("a");
    await store(driver, type, [written]);

    spoil(await read(driver, type, "a"));
    spoil((await driver.read(type, [{ id: "a" }]))[0]);
    const [result] = await write(driver, type, [entry("a", { if: "absent" })]);
    if (typeof result === "object") spoil(result.conflict);

    await assertStored(driver, type, written);
  });

  suite.test(
    "hands out copies in scans",
    async ({ driver, type }) => {
      const written = entry("a");
      await store(driver, type, [written]);

      const page = await driver.scan?.(type, { limit: 10, cursor: null });
      for (const each of page?.entries ?? []) spoil(each);

      await assertStored(driver, type, written);
      for (const each of await scan(driver, type)) assertEntry(driver, each, written);
    },
    ({ capabilities }) => capabilities.scan,
  );

  suite.test("leaves its arguments alone", async ({ driver, type }) => {
    const written = Object.freeze(entry("a"));
    const next = Object.freeze(change(written, written.version));
    const expiresAt = Date.now() + 2 * HOUR_MS;

    await store(driver, type, Object.freeze([written]));
    await driver.read(type, Object.freeze([Object.freeze({ id: "a", known: written.version })]));
    await touch(driver, type, Object.freeze([Object.freeze({ id: "a", expiresAt })]));
    await store(driver, type, Object.freeze([next]));
    await del(driver, type, Object.freeze([Object.freeze({ id: "a", if: next.version })]));

    await assertAbsent(driver, type, "a");
  });

  suite.test(
    "lets every driver on the database see what another did",
    async ({ driver, type, other }) => {
      const second = await other();
      const written = entry("a");
      const next = change(written, written.version);
      const expiresAt = Date.now() + 3 * HOUR_MS;
      assert.notEqual(second, driver);

      await store(driver, type, [written]);
      await assertStored(second, type, written);
      await store(second, type, [next]);
      await assertStored(driver, type, next);
      await touch(driver, type, [{ id: "a", expiresAt }]);
      await assertStored(second, type, { ...next, expiresAt });
      assert.deepEqual(await del(second, type, [{ id: "a" }]), [true]);
      await assertAbsent(driver, type, "a");
    },
    ({ capabilities }: Driver) => capabilities.shared,
  );
}
