import assert from "node:assert/strict";
import type { Deletion, Driver, Touch, Write, WriteResult } from "../../databank/driver.js";
import { assertAbsent, assertEntry, assertStored, isDone } from "./assertions.js";
import { del, read, store, touch, write } from "./calls.js";
import { HOUR_MS } from "./deadlines.js";
import { change, entry } from "./entries.js";
import { Random } from "./random.js";
import { retrying } from "./retrying.js";
import type { Subject, Suite } from "./suite.js";

const WRITERS = 40;

const isAtomic = ({ capabilities }: Driver) => capabilities.conditionalWrites === "atomic";

/** Runs `body` many times at once, with the two drivers in turn. */
async function atOnce<T>(
  { driver, other }: Subject,
  times: number,
  body: (driver: Driver, i: number) => Promise<T>,
): Promise<readonly T[]> {
  const drivers = [driver, await other()] as const;
  // Both have to be warm, or one of them is done before the other begins.
  await Promise.all(drivers.map((each) => each.read("warm", [{ id: "warm" }])));
  return Promise.all(Array.from({ length: times }, (_, i) => body(drivers[i % 2 ? 1 : 0], i)));
}

/** Asserts that one of the writers won, and that every other was told the winner's entry. */
async function assertOneWinner(
  { driver, type }: Subject,
  writes: readonly Write[],
  results: readonly (WriteResult | undefined)[],
): Promise<void> {
  const [winner, ...others] = writes.filter((each, i) => isDone(results[i], each));
  assert.ok(winner, "nobody won");
  assert.equal(others.length, 0, `${others.length + 1} of ${writes.length} won`);
  for (const result of results) {
    assert.ok(result && !(result instanceof Error), "a write gave an Error");
    if (result !== "done") assertEntry(driver, result.conflict, winner);
  }
  await assertStored(driver, type, winner);
}

/** Lets many write one id at once. */
async function race(subject: Subject, make: () => Write): Promise<void> {
  const writes = Array.from({ length: WRITERS }, make);
  const results = await atOnce(subject, WRITERS, async (driver, i) => {
    const mine = writes.slice(i, i + 1);
    return retrying(driver, () => write(driver, subject.type, mine));
  });
  await assertOneWinner(
    subject,
    writes,
    results.map(([result]) => result),
  );
}

export function testConcurrency(suite: Suite): void {
  suite.test(
    "one of many creators wins, and tells all others",
    async (subject) => race(subject, () => entry("a", { if: "absent" })),
    isAtomic,
  );

  suite.test(
    "one of many writers on one version wins, and tells all others",
    async (subject) => {
      const first = entry("a");
      await store(subject.driver, subject.type, [first]);

      await race(subject, () => change(first, first.version));
    },
    isAtomic,
  );

  suite.timed(
    "one of many creators over an expired entry wins",
    async ({ driver, type }, expiresAt) => store(driver, type, [entry("a", { expiresAt })]),
    async (subject) => race(subject, () => entry("a", { if: "absent" })),
    isAtomic,
  );

  suite.test(
    "one writer of each id wins when batches overlap in any order",
    async (subject) => {
      const random = new Random(suite.options.seed);
      const firsts = Array.from({ length: 20 }, (_, i) => entry(`id-${i}`));
      const known = firsts.slice(0, 10);
      await store(subject.driver, subject.type, known);
      const batch = () =>
        random.shuffle([
          ...known.map((each) => change(each, each.version)),
          ...firsts.slice(10).map(({ id }) => entry(id, { if: "absent" })),
        ]);
      const sent = Array.from({ length: 16 }, batch);

      const results = await atOnce(subject, sent.length, async (driver, i) =>
        retrying(driver, () => write(driver, subject.type, sent[i] ?? [])),
      );

      for (const { id } of firsts) {
        const place = sent.map((writes) => writes.findIndex((each) => each.id === id));
        const writes = sent.flatMap((each, i) => each[place[i] ?? -1] ?? []);
        await assertOneWinner(
          subject,
          writes,
          results.map((each, i) => each[place[i] ?? -1]),
        );
      }
    },
    isAtomic,
  );

  suite.test("what is written without a condition is whole", async (subject) => {
    const random = new Random(suite.options.seed);
    const ids = Array.from({ length: 20 }, (_, i) => `id-${i}`);
    const sent = Array.from({ length: 16 }, (_, i) =>
      random.shuffle(ids).map((id) => entry(id, { expiresAt: Date.now() + (i + 1) * HOUR_MS })),
    );

    await atOnce(subject, sent.length, async (driver, i) =>
      retrying(driver, () => store(driver, subject.type, sent[i] ?? [])),
    );

    for (const id of ids) {
      const found = await read(subject.driver, subject.type, id);
      const written = sent.flat().find(({ version }) => version === found?.version);
      assert.ok(written?.id === id, "the version is one that was written for the id");
      assertEntry(subject.driver, found, written);
    }
  });

  suite.test(
    "writes, touches and deletions of many ids do not block each other",
    async (subject) => {
      const random = new Random(suite.options.seed);
      const ids = Array.from({ length: 20 }, (_, i) => `id-${i}`);
      await store(
        subject.driver,
        subject.type,
        ids.map((id) => entry(id)),
      );
      const { type } = subject;

      await atOnce(subject, 24, async (driver, i) => {
        const order = random.shuffle(ids);
        const touches: Touch[] = order.map((id) => ({ id, expiresAt: Date.now() + 2 * HOUR_MS }));
        const deletions: Deletion[] = order.slice(0, 5).map((id) => ({ id }));
        const calls = [
          () =>
            write(
              driver,
              type,
              order.map((id) => entry(id)),
            ),
          () => touch(driver, type, touches),
          () => del(driver, type, deletions),
          () =>
            write(
              driver,
              type,
              order.map((id) => entry(id, { if: "present" })),
            ),
        ] as const;
        await retrying<unknown>(driver, calls[i % 4] ?? calls[0]);
      });
    },
  );

  testRaces(suite);
}

const ROUNDS = 10;

/** Two kinds of calls on one entry at once, again and again. */
function testRaces(suite: Suite): void {
  suite.test(
    "a touch neither loses a write nor stands in its way",
    async (subject) => {
      const { type } = subject;
      let current = entry("a");
      await store(subject.driver, type, [current]);

      for (let round = 0; round < ROUNDS; round += 1) {
        const next = change(current, current.version, { extend: true });
        await atOnce(subject, 6, async (driver, i) => {
          const expiresAt = Date.now() + (round * 6 + i + 2) * HOUR_MS;
          if (i === 3) await retrying(driver, () => store(driver, type, [next]));
          else await retrying(driver, () => touch(driver, type, [{ id: "a", expiresAt }]));
        });

        const found = await read(subject.driver, type, "a");
        assertEntry(subject.driver, found, { ...next, expiresAt: found?.expiresAt ?? null });
        current = next;
      }
    },
    isAtomic,
  );

  suite.test(
    "the latest of many touches holds",
    async (subject) => {
      const { driver, type } = subject;
      const written = entry("a");
      await store(driver, type, [written]);
      const latest = Date.now() + 2 * HOUR_MS + WRITERS * HOUR_MS;

      await atOnce(subject, WRITERS, async (each, i) => {
        const expiresAt = latest - ((i * 7) % WRITERS) * HOUR_MS;
        await retrying(each, () => touch(each, type, [{ id: "a", expiresAt }]));
      });

      await assertStored(driver, type, { ...written, expiresAt: latest });
    },
    isAtomic,
  );

  suite.test(
    "what is deleted is not brought back by touches and writes under way",
    async (subject) => {
      const { driver, type } = subject;
      const expiresAt = Date.now() + 2 * HOUR_MS;

      for (let round = 0; round < ROUNDS; round += 1) {
        const written = entry("a");
        await store(driver, type, [written]);
        await atOnce(subject, 6, async (each, i) => {
          const calls = [
            () => touch(each, type, [{ id: "a", expiresAt }]),
            () => write(each, type, [change(written, written.version)]),
            () => touch(each, type, [{ id: "a", expiresAt: null }]),
            () => del(each, type, [{ id: "a" }]),
            () => write(each, type, [change(written, "present")]),
            () => touch(each, type, [{ id: "a", expiresAt }]),
          ];
          await retrying<unknown>(each, calls[i] ?? (async () => {}));
        });

        await assertAbsent(driver, type, "a");
      }
    },
    isAtomic,
  );

  suite.test(
    "one of many deletions deletes",
    async (subject) => {
      const written = entry("a");
      for (const deletion of [{ id: "a" }, { id: "a", if: written.version }]) {
        await store(subject.driver, subject.type, [written]);

        const results = await atOnce(subject, WRITERS, async (driver) =>
          retrying(driver, () => del(driver, subject.type, [deletion])),
        );

        assert.equal(results.flat().filter((deleted) => deleted).length, 1);
      }
    },
    isAtomic,
  );

  suite.test(
    "either the write or the deletion of one version is done",
    async (subject) => {
      const { type } = subject;
      for (let round = 0; round < ROUNDS; round += 1) {
        const written = entry(`a${round}`);
        const next = change(written, written.version);
        await store(subject.driver, type, [written]);

        const [deleted, result] = await Promise.all([
          del(subject.driver, type, [{ id: written.id, if: written.version }]),
          write(await subject.other(), type, [next]),
        ]);

        assert.notEqual(deleted[0], isDone(result[0], next));
        const found = await read(subject.driver, type, written.id);
        assert.equal(found?.version, deleted[0] ? undefined : next.version);
      }
    },
    isAtomic,
  );
}
