import assert from "node:assert/strict";
import type { Driver, StoredEntry } from "../../databank/driver.js";
import { assertEntry, assertStored } from "./assertions.js";
import { del, read, store, touch, write } from "./calls.js";
import { HOUR_MS } from "./deadlines.js";
import { change, entry } from "./entries.js";
import { clear, collect, count, scan, scannedIds } from "./listing.js";
import type { Subject, Suite } from "./suite.js";

const lists = ({ capabilities }: Driver) => capabilities.scan;

function writtenAs(prefix: string, length: number) {
  return Array.from({ length }, (_, i) => entry(`${prefix}${String(i).padStart(3, "0")}`));
}

/** Scans page by page, doing something in between, and gives the ids that were seen. */
async function scanWhile(
  { driver, type }: Subject,
  between: (seen: readonly StoredEntry[], page: number) => Promise<void>,
): Promise<ReadonlySet<string>> {
  let page = 0;
  const found = await collect(7, async (cursor) => {
    assert.ok(driver.scan, "there is no scan");
    const next = await driver.scan(type, { limit: 7, cursor });
    page += 1;
    // An endless scan is for `collect` to notice.
    if (page < 200) await between(next.entries, page);
    return next;
  });
  return new Set(found.map(({ id }) => id));
}

function assertSeen(seen: ReadonlySet<string>, expected: readonly { readonly id: string }[]): void {
  const missed = expected.filter(({ id }) => !seen.has(id)).length;
  assert.equal(missed, 0, `the scan missed ${missed} of ${expected.length} entries`);
}

export function testScan(suite: Suite): void {
  suite.test(
    "shows each entry as it was written",
    async ({ driver, type }) => {
      const written = new Map(writtenAs("id", 30).map((each) => [each.id, each]));
      await store(driver, type, [...written.values()]);

      const found = await scan(driver, type);

      assertSeen(new Set(found.map(({ id }) => id)), [...written.values()]);
      for (const each of found) {
        const expected = written.get(each.id);
        assert.ok(expected, "the scan shows what was never written");
        assertEntry(driver, each, expected);
      }
    },
    lists,
  );

  suite.test(
    "goes by pages of about the limit, and comes to an end",
    async ({ driver, type }) => {
      const written = writtenAs("id", 60);
      await store(driver, type, written);

      for (const limit of [1, 7, 30, 60, 1000]) {
        assert.deepEqual(
          await scannedIds(driver, type, limit),
          written.map(({ id }) => id),
        );
      }
    },
    lists,
  );

  suite.test(
    "shows nothing in a type that was never used",
    async ({ driver, type }) => assert.deepEqual(await scan(driver, type), []),
    lists,
  );

  suite.test(
    "misses nothing while entries are touched and written",
    async (subject) => {
      const { driver, type } = subject;
      const written = writtenAs("id", 60);
      await store(driver, type, written);

      const seen = await scanWhile(subject, async (entries, page) => {
        const expiresAt = Date.now() + (2 + page) * HOUR_MS;
        const [first] = entries;
        const unseen = written.slice(-page);
        const others = unseen.filter(({ id }) => id !== first?.id);
        await touch(
          driver,
          type,
          others.map(({ id }) => ({ id, expiresAt })),
        );
        if (first) await store(driver, type, [change(first, first.version)]);
        await store(
          driver,
          type,
          others.slice(0, 3).map((each) => change(each)),
        );
      });

      assertSeen(seen, written);
    },
    lists,
  );

  suite.test(
    "misses nothing while others are created and deleted",
    async (subject) => {
      const { driver, type } = subject;
      const [staying, going] = [writtenAs("stay", 40), writtenAs("go", 20)];
      await store(
        driver,
        type,
        staying.flatMap((each, i) => [each, going[i]].filter((one) => one !== undefined)),
      );

      const seen = await scanWhile(subject, async (_entries, page) => {
        const gone = going[page - 1];
        if (gone) await del(driver, type, [{ id: gone.id }]);
        if (page < 20) await store(driver, type, [entry(`m${page}`), entry(`zz${page}`)]);
      });

      assertSeen(seen, staying);
    },
    lists,
  );

  suite.test(
    "goes on when what it has shown is deleted",
    async (subject) => {
      const { driver, type } = subject;
      const written = writtenAs("id", 40);
      await store(driver, type, written);

      const seen = await scanWhile(subject, async (entries) => {
        const ids = [...new Set(entries.map(({ id }) => id))];
        if (ids.length > 0)
          await del(
            driver,
            type,
            ids.map((id) => ({ id })),
          );
      });

      assertSeen(seen, written);
      assert.deepEqual(await scan(driver, type), []);
    },
    lists,
  );

  suite.test(
    "lets two scans go on side by side",
    async ({ driver, type }) => {
      const written = writtenAs("id", 30).map(({ id }) => id);
      await store(driver, type, writtenAs("id", 30));

      const both = await Promise.all([scannedIds(driver, type, 4), scannedIds(driver, type, 7)]);

      assert.deepEqual(both, [written, written]);
    },
    lists,
  );
}

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
