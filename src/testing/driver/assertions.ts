import assert from "node:assert/strict";
import type { Driver, StoredEntry, Write, WriteResult } from "../../databank/driver.js";
import { read } from "./calls.js";
import { assertDeadline } from "./deadlines.js";

/** Asserts that an entry is there as it was written. */
export async function assertStored(driver: Driver, type: string, written: Write): Promise<void> {
  assertEntry(driver, await read(driver, type, written.id), written);
}

/** Asserts that nothing live is under an id. */
export async function assertAbsent(driver: Driver, type: string, id: string): Promise<void> {
  assert.equal(await read(driver, type, id), null);
}

/** Asserts that an entry is the one that was written: id, value, version, times. */
export function assertEntry(
  driver: Driver,
  actual: StoredEntry | null | undefined,
  written: StoredEntry,
): asserts actual is StoredEntry {
  assert.ok(actual, "there is no entry");
  assert.equal(actual.id, written.id, "the id");
  assert.equal(typeof actual.json, "string", "the value is JSON text");
  assert.deepEqual(JSON.parse(actual.json), JSON.parse(written.json), "the value");
  assert.equal(actual.version, written.version, "the version");
  assert.equal(actual.createdAt, written.createdAt, "the time of creation");
  assertDeadline(driver, actual.expiresAt, written.expiresAt);
}

/** Asserts that a write was refused, and was told what stood in its way. */
export function assertConflict(
  driver: Driver,
  result: WriteResult | undefined,
  current: StoredEntry | null,
): void {
  assert.ok(typeof result === "object" && "conflict" in result, "the write was not refused");
  if (current === null) assert.equal(result.conflict, null);
  else assertEntry(driver, result.conflict, current);
}

/** Whether a write was carried out: told so, or told of its own version. */
export function isDone(result: WriteResult | undefined, { version }: Write): boolean {
  if (result === "done") return true;
  return typeof result === "object" && "conflict" in result && result.conflict?.version === version;
}
