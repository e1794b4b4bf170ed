import assert from "node:assert/strict";
import type { DeletedPage, Driver, Write } from "../../databank/driver.js";
import { assertEntry } from "./assertions.js";
import { readAll, store, touch } from "./calls.js";
import { atOffset, HOUR_MS, MINUTE_MS } from "./deadlines.js";
import { entry } from "./entries.js";
import { retrying } from "./retrying.js";
import type { Subject, Suite } from "./suite.js";

const EXPIRED = 23;
const MAX_STEPS = 10_000;

const cleans = ({ capabilities }: Driver) => !capabilities.nativeExpiry;
const cleansByOwnClock = (driver: Driver) =>
  cleans(driver) && driver.capabilities.clock === "process";

const idsOf = (name: string, length: number) => Array.from({ length }, (_, i) => `${name}-${i}`);

/** Runs all steps of a cleanup and gives what each deleted. */
async function cleanUp(driver: Driver, type: string, limit: number): Promise<readonly number[]> {
  assert.ok(driver.deleteExpired, "there is no deleteExpired");
  const deleted: number[] = [];
  let cursor: string | null = null;
  do {
    const step: DeletedPage = await driver.deleteExpired(type, { limit, cursor });
    assert.ok(step.cursor === null || typeof step.cursor === "string", "a cursor is a string");
    deleted.push(step.deleted);
    cursor = step.cursor;
    assert.ok(deleted.length < MAX_STEPS, "the steps do not end");
  } while (cursor !== null);
  return deleted;
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);

/** Writes entries that end at `soon` among others that live on, and gives those that do. */
async function fill({ driver, type }: Subject, soon: number): Promise<readonly Write[]> {
  const living = [
    ...idsOf("hour", 10).map((id) => entry(id)),
    ...idsOf("never", 5).map((id) => entry(id, { expiresAt: null })),
  ];
  const saved = [entry("saved", { expiresAt: soon }), entry("kept", { expiresAt: soon })];
  const expiring = idsOf("short", EXPIRED).map((id) => entry(id, { expiresAt: soon }));
  await store(driver, type, [...expiring, ...saved, ...living]);
  const expiresAt = Date.now() + HOUR_MS;
  const touched = await touch(driver, type, [
    { id: "saved", expiresAt },
    { id: "kept", expiresAt: null },
  ]);
  // Some of these drivers are given another time than the real one, see `atOffset`.
  const advice = "a touch in time finds nothing; a driver asks Date.now() what time it is";
  assert.ok(
    touched.every((isThere) => isThere),
    advice,
  );
  const [first, second] = saved;
  assert.ok(first && second);
  return [...living, { ...first, expiresAt }, { ...second, expiresAt: null }];
}

/**
 * Registers a test on a type with expired entries. A driver that goes by the clock of this
 * process spares what expired in the last minute, so it gets them by turning that clock back.
 */
function testFilled(
  suite: Suite,
  name: string,
  body: (subject: Subject, living: readonly Write[]) => Promise<void>,
): void {
  suite.timed(
    name,
    async (subject, soon) =>
      subject.driver.capabilities.clock === "database" ? fill(subject, soon) : undefined,
    async (subject, living) =>
      body(
        subject,
        living ?? (await atOffset(-2 * MINUTE_MS, () => fill(subject, Date.now() + MINUTE_MS / 2))),
      ),
    cleans,
  );
}

export function testDeleteExpired(suite: Suite): void {
  testFilled(suite, "deletes what has expired and says how many", async ({ driver, type }) => {
    assert.equal(sum(await cleanUp(driver, type, 1000)), EXPIRED);
    assert.equal(sum(await cleanUp(driver, type, 1000)), 0);
  });

  testFilled(suite, "goes by steps of about the limit, to an end", async ({ driver, type }) => {
    const steps = await cleanUp(driver, type, 5);

    assert.equal(sum(steps), EXPIRED);
    assert.ok(Math.max(...steps) <= 15, "a step deletes far more than its limit");
  });

  testFilled(suite, "spares what lives or was saved by a touch", async (subject, living) => {
    const { driver, type } = subject;

    await cleanUp(driver, type, 7);

    const found = await readAll(
      driver,
      type,
      living.map(({ id }) => id),
    );
    for (const [i, written] of living.entries()) assertEntry(driver, found[i], written);
  });

  suite.test(
    "spares what expired in the last minute, for clocks differ",
    async ({ driver, type }) => {
      const expiresAt = Date.now() + MINUTE_MS;
      await store(driver, type, [entry("a", { expiresAt })]);

      const late = await atOffset(1.7 * MINUTE_MS, async () => cleanUp(driver, type, 100));

      const [found] = await readAll(driver, type, ["a"]);
      assert.equal(found?.id, "a", "what expired in the last minute is deleted");
      assert.equal(sum(late), 0);
    },
    cleansByOwnClock,
  );

  testFilled(suite, "spares what is created in the place of an expired entry", async (subject) => {
    const { driver, type } = subject;
    const created = idsOf("short", EXPIRED).map((id) => entry(id, { if: "absent" }));
    const second = await subject.other();

    await Promise.all([
      retrying(driver, () => cleanUp(driver, type, EXPIRED)),
      ...created.map((each) => retrying(second, () => store(second, type, [each]))),
    ]);

    const found = await readAll(driver, type, idsOf("short", EXPIRED));
    for (const [i, each] of created.entries()) assertEntry(driver, found[i], each);
  });

  suite.test(
    "finds nothing in a type that was never used",
    async ({ driver, type }) => assert.equal(sum(await cleanUp(driver, type, 10)), 0),
    cleans,
  );
}
