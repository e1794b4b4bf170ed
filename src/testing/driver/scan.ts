import assert from "node:assert/strict";
import type { Driver, StoredEntry } from "../../databank/driver.js";
import { assertEntry } from "./assertions.js";
import { del, store, touch } from "./calls.js";
import { HOUR_MS } from "./deadlines.js";
import { change, entry, writtenAs } from "./entries.js";
import { collect, scan, scannedIds } from "./listing.js";
import type { Subject, Suite } from "./suite.js";

const lists = ({ capabilities }: Driver) => capabilities.scan;

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
    "shows the deadline that a touch has set",
    async ({ driver, type }) => {
      const written = entry("a");
      const expiresAt = Date.now() + 2 * HOUR_MS;
      await store(driver, type, [written]);
      await touch(driver, type, [{ id: "a", expiresAt }]);

      const [found] = await scan(driver, type);

      assertEntry(driver, found, { ...written, expiresAt });
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
