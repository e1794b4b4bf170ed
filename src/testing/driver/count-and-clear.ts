import assert from "node:assert/strict";
import type { Driver } from "../../databank/driver.js";
import { assertStored } from "./assertions.js";
import { del, read, store, write } from "./calls.js";
import { atOffset, HOUR_MS, MINUTE_MS } from "./deadlines.js";
import { entry, writtenAs } from "./entries.js";
import { clear, count, scan, scannedIds } from "./listing.js";
import type { Suite } from "./suite.js";

const lists = ({ capabilities }: Driver) => capabilities.scan;

export function testCountAndClear(suite: Suite): void {
  suite.test(
    "count: is the number of live entries of a type",
    async ({ driver, type }) => {
      assert.equal(await count(driver, type), 0);
      await store(driver, type, writtenAs("id", 12));
      await store(driver, `${type}:a`, writtenAs("id", 3));
      await store(driver, type, [entry("id003"), entry("id004", { expiresAt: 1 })]);
      await del(driver, type, [{ id: "id000" }, { id: "missing" }]);

      for (const limit of [100, 3, 5, 1]) {
        assert.equal(await count(driver, type, limit), 10, `in steps of ${limit}`);
      }
    },
    lists,
  );

  suite.test(
    "clear: deletes every entry of a type",
    async ({ driver, type }) => {
      await store(driver, type, [...writtenAs("id", 40), entry("z", { expiresAt: null })]);

      assert.equal(await clear(driver, type, 7), 41, "the number of deleted entries");

      assert.equal(await count(driver, type), 0);
      assert.deepEqual(await scan(driver, type), []);
      assert.equal(await read(driver, type, "id000"), null);
    },
    lists,
  );

  suite.test(
    "clear: deletes what has expired, too",
    async ({ driver, type }) => {
      const inThePast = <T>(body: () => Promise<T>) => atOffset(-HOUR_MS, body);
      await inThePast(() =>
        store(driver, type, [entry("a", { expiresAt: Date.now() + MINUTE_MS })]),
      );

      await clear(driver, type);

      assert.equal(await inThePast(() => read(driver, type, "a")), null);
    },
    ({ capabilities: { scan, clock } }) => scan && clock === "process",
  );

  suite.test(
    "count and clear: miss nothing that others write between the steps",
    async ({ driver, type }) => {
      const written = writtenAs("id", 20);
      await store(driver, type, written);
      const rewrite = () =>
        write(
          driver,
          type,
          written.map(({ id }) => entry(id, { if: "present" })),
        );

      assert.ok((await count(driver, type, 3, rewrite)) >= 20, "the count");
      await clear(driver, type, 3, rewrite);

      assert.deepEqual(await scannedIds(driver, type), [], "after clear");
    },
    lists,
  );

  suite.test(
    "clear: leaves a type that can be used again",
    async ({ driver, type }) => {
      const written = entry("a", { if: "absent" });
      await clear(driver, type);
      await store(driver, type, [entry("a"), entry("b")]);
      await clear(driver, type);

      await store(driver, type, [written]);

      await assertStored(driver, type, written);
      assert.equal(await count(driver, type), 1);
    },
    lists,
  );

  suite.test(
    "scan, count and clear: know their type from every other",
    async ({ driver, type }) => {
      const others = similarTo(type);
      for (const other of others) await store(driver, other, [entry("a"), entry("b")]);
      await store(driver, type, [entry("a"), entry(":a"), entry("*")]);

      assert.deepEqual(await scannedIds(driver, type), ["*", ":a", "a"]);
      assert.equal(await count(driver, type), 3);
      await clear(driver, type);

      for (const other of others) {
        assert.deepEqual(await scannedIds(driver, other), ["a", "b"], "the scan");
        assert.equal(await count(driver, other), 2, "the count");
      }
      for (const [i, other] of others.entries()) {
        await clear(driver, other);
        const left = await Promise.all(others.slice(i).map((each) => count(driver, each)));
        assert.deepEqual(left, [0, ...others.slice(i + 1).map(() => 2)], "after clear");
      }
    },
    lists,
  );
}

/** Types that a pattern, a prefix, a collation or a path might take for `type`. */
function similarTo(type: string): readonly string[] {
  const ends = [":", ":a", "a", "*", "?", "%", "_", "[a]", "{a}", "\\", "/a", "\0", " ", ":*", "'"];
  return [
    `*${type.slice(1)}`,
    `_${type.slice(1)}`,
    `[t]${type.slice(1)}`,
    ...ends.map((end) => type + end),
    type.toUpperCase(),
    type.slice(0, -1),
  ];
}
