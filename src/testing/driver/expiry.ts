import assert from "node:assert/strict";
import { assertAbsent, assertConflict, assertStored } from "./assertions.js";
import { del, read, readAll, store, touch, write } from "./calls.js";
import { granularityMs, HOUR_MS } from "./deadlines.js";
import { change, entry } from "./entries.js";
import { count, scannedIds } from "./listing.js";
import { lateness, pause, type Subject, type Suite } from "./suite.js";

/** Writes an entry that ends soon. */
async function ending({ driver, type }: Subject, soon: number) {
  const written = entry("a", { expiresAt: soon });
  await store(driver, type, [written]);
  return written;
}

/** An expired entry is as absent as a deleted one, for every method. */
export function testExpiry(suite: Suite): void {
  suite.test("ends a life at its deadline, neither early nor late", async ({ driver, type }) => {
    const begun = Date.now();
    const expiresAt = begun + 300;
    await store(driver, type, [entry("a", { expiresAt })]);
    // Where deadlines travel as time remaining, they drift by the time that travelling takes.
    const drift = driver.capabilities.clock === "database" ? Date.now() - begun + 50 : 0;
    const latest = expiresAt + granularityMs(driver) - 1 + drift;
    const slack = granularityMs(driver) === 1 ? 0 : lateness(driver);

    for (;;) {
      const asked = Date.now();
      const found = await read(driver, type, "a");
      const answered = Date.now();
      if (found === null) {
        assert.ok(answered >= expiresAt - drift, `ended ${expiresAt - answered} ms early`);
        return;
      }
      assert.ok(asked <= latest + slack, `still there ${asked - expiresAt} ms after its deadline`);
      await pause(5);
    }
  });

  suite.timed("read: an expired entry is absent", ending, async ({ driver, type }, { version }) => {
    assert.deepEqual(await driver.read(type, [{ id: "a" }]), [null]);
    assert.deepEqual(await driver.read(type, [{ id: "a", known: version }]), [null]);
  });

  suite.timed("write: absent creates over an expired entry", ending, async ({ driver, type }) => {
    const written = entry("a", { if: "absent" });

    assert.deepEqual(await write(driver, type, [written]), ["done"]);

    await assertStored(driver, type, written);
  });

  suite.timed("write: present does not revive", ending, async ({ driver, type }) => {
    const [result] = await write(driver, type, [entry("a", { if: "present" })]);

    assertConflict(driver, result, null);
    await assertAbsent(driver, type, "a");
  });

  suite.timed("write: a version does not revive", ending, async ({ driver, type }, expired) => {
    const next = change(expired, expired.version, { expiresAt: Date.now() + HOUR_MS });

    const [result] = await write(driver, type, [next]);

    assertConflict(driver, result, null);
    await assertAbsent(driver, type, "a");
  });

  suite.timed("write: replaces an expired entry", ending, async ({ driver, type }) => {
    const written = entry("a", { createdAt: 77 });

    assert.deepEqual(await write(driver, type, [written]), ["done"]);

    await assertStored(driver, type, written);
  });

  suite.timed(
    "write: extend over an expired entry takes its own deadline",
    ending,
    async ({ driver, type }) => {
      const written = entry("a", { extend: true });

      await store(driver, type, [written]);

      await assertStored(driver, type, written);
    },
  );

  suite.timed("touch: does not revive", ending, async ({ driver, type }) => {
    const touched = [
      ...(await touch(driver, type, [{ id: "a", expiresAt: Date.now() + HOUR_MS }])),
      ...(await touch(driver, type, [{ id: "a", expiresAt: null }])),
    ];

    assert.deepEqual(touched, [false, false]);
    await assertAbsent(driver, type, "a");
  });

  suite.timed("del: is false for an expired entry", ending, async ({ driver, type }, expired) => {
    assert.deepEqual(await del(driver, type, [{ id: "a", if: expired.version }]), [false]);
    assert.deepEqual(await del(driver, type, [{ id: "a" }]), [false]);
  });

  suite.timed(
    "an expired entry does not disturb its neighbours in a batch",
    async ({ driver, type }, soon) => {
      const [b, d] = [entry("b"), entry("d")];
      await store(driver, type, [
        entry("a", { expiresAt: soon }),
        b,
        entry("c", { expiresAt: soon }),
        d,
      ]);
      return { b, d };
    },
    async ({ driver, type }, { b, d }) => {
      const expiresAt = Date.now() + 2 * HOUR_MS;
      const ids = ["a", "b", "c", "d"];

      const touched = await touch(
        driver,
        type,
        ids.map((id) => ({ id, expiresAt })),
      );
      const results = await write(
        driver,
        type,
        ids.map((id) => entry(id, { if: "absent" })),
      );

      assert.deepEqual(touched, [false, true, false, true]);
      assert.deepEqual([results[0], results[2]], ["done", "done"]);
      assertConflict(driver, results[1], { ...b, expiresAt });
      assertConflict(driver, results[3], { ...d, expiresAt });
    },
  );

  suite.test("a touch at the last moment saves, or says that it is too late", lastMoment);
  testMovedDeadlines(suite);
  testListings(suite);
}

/** Touches entries around their deadlines, while expired ones are deleted. */
async function lastMoment({ driver, type, other }: Subject): Promise<void> {
  const second = await other();
  const begun = Date.now();
  const granularity = granularityMs(driver);
  // Deadlines from the near future on, a step apart, and a touch that comes with each of them.
  const steps = Array.from({ length: 25 }, (_, i) => begun + 100 + i * 10);
  await store(
    driver,
    type,
    steps.map((expiresAt, i) => entry(`${i}`, { expiresAt })),
  );
  let isOver = false;
  const cleaning = (async () => {
    for (let cursor: string | null = null; !isOver; await pause(1)) {
      cursor = (await second.deleteExpired?.(type, { limit: 10, cursor }))?.cursor ?? null;
    }
  })();

  const touching = steps.map(async (expiresAt, i) => {
    const roundedUp = Math.ceil(expiresAt / granularity) * granularity;
    await pause(roundedUp - Date.now() + ((i * 7) % 11) - 5);
    const [isSaved] = await touch(driver, type, [{ id: `${i}`, expiresAt: Date.now() + HOUR_MS }]);
    return isSaved;
  });
  const touched = await Promise.all(touching).finally(() => {
    isOver = true;
  });
  await cleaning;

  const found = await readAll(
    driver,
    type,
    steps.map((_, i) => `${i}`),
  );
  assert.deepEqual(
    found.map((each) => each !== null),
    touched,
  );
}

function testMovedDeadlines(suite: Suite): void {
  suite.timed(
    "an entry that was touched outlives its first deadline",
    async (subject, soon) => {
      const written = await ending(subject, soon);
      const expiresAt = Date.now() + HOUR_MS;
      const touches = [{ id: "a", expiresAt }];
      assert.deepEqual(await touch(subject.driver, subject.type, touches), [true]);
      return { ...written, expiresAt };
    },
    async ({ driver, type }, expected) => assertStored(driver, type, expected),
  );

  suite.timed(
    "an entry that was touched with null never expires",
    async (subject, soon) => {
      const written = await ending(subject, soon);
      await touch(subject.driver, subject.type, [{ id: "a", expiresAt: null }]);
      return { ...written, expiresAt: null };
    },
    async ({ driver, type }, expected) => assertStored(driver, type, expected),
  );

  suite.timed(
    "an entry that was written again outlives its first deadline",
    async (subject, soon) => {
      const written = await ending(subject, soon);
      const next = change(written, written.version, { expiresAt: Date.now() + HOUR_MS });
      await store(subject.driver, subject.type, [next]);
      return next;
    },
    async ({ driver, type }, expected) => assertStored(driver, type, expected),
  );

  suite.timed(
    "an entry that was written again with an earlier deadline ends then",
    async ({ driver, type }, soon) => {
      const [a, b] = [entry("a"), entry("b", { expiresAt: null })];
      await store(driver, type, [a, b]);
      await store(driver, type, [
        change(a, a.version, { expiresAt: soon }),
        change(b, undefined, { expiresAt: soon }),
      ]);
    },
    async ({ driver, type }) => {
      assert.deepEqual(await readAll(driver, type, ["a", "b"]), [null, null]);
    },
  );

  suite.timed(
    "a touch in vain does not lengthen a life",
    async (subject, soon) => {
      await ending(subject, soon);
      await touch(subject.driver, subject.type, [{ id: "a", expiresAt: soon - 500 }]);
    },
    async ({ driver, type }) => assertAbsent(driver, type, "a"),
  );
}

function testListings(suite: Suite): void {
  const prepare = async ({ driver, type }: Subject, soon: number) => {
    await store(driver, type, [
      entry("a", { expiresAt: soon }),
      entry("b"),
      entry("c", { expiresAt: soon }),
      entry("d", { expiresAt: null }),
    ]);
  };
  const lists = ({ capabilities }: Subject["driver"]) => capabilities.scan;

  suite.timed(
    "scan: shows no expired entry",
    prepare,
    async ({ driver, type }) => {
      assert.deepEqual(await scannedIds(driver, type), ["b", "d"]);
      assert.deepEqual(await scannedIds(driver, type, 1), ["b", "d"]);
    },
    lists,
  );

  suite.timed(
    "count: counts no expired entry",
    prepare,
    async ({ driver, type }) => assert.equal(await count(driver, type), 2),
    lists,
  );

  suite.timed(
    "scan and count: show an entry that was touched in time",
    async (subject, soon) => {
      await prepare(subject, soon);
      const expiresAt = Date.now() + HOUR_MS;
      await touch(subject.driver, subject.type, [{ id: "a", expiresAt }]);
    },
    async ({ driver, type }) => {
      assert.deepEqual(await scannedIds(driver, type), ["a", "b", "d"]);
      assert.equal(await count(driver, type), 3);
    },
    lists,
  );
}
