import assert from "node:assert/strict";
import type { Answer } from "../../databank/answer.js";
import type {
  Deletion,
  Driver,
  ReadResult,
  StoredEntry,
  Touch,
  Write,
  WriteResult,
} from "../../databank/driver.js";

/** Calls `write` and checks the form of the answer. */
export async function write(
  driver: Driver,
  type: string,
  writes: readonly Write[],
): Promise<readonly Exclude<WriteResult, Error>[]> {
  const results = await inBatches(driver, writes, (batch) => driver.write(type, batch));
  return results.map((result) => {
    if (result instanceof Error) throw result;
    const isConflict = typeof result === "object" && result !== null && "conflict" in result;
    assert.ok(result === "done" || isConflict, "a write is done or tells the conflict");
    return result;
  });
}

/** Writes entries and asserts that all are done, however many they are. */
export async function store(driver: Driver, type: string, writes: readonly Write[]): Promise<void> {
  const results = await write(driver, type, writes);
  for (const result of results) assert.equal(result, "done");
}

/** Reads ids, however many they are, and checks the form of the answer. */
export async function readAll(
  driver: Driver,
  type: string,
  ids: readonly string[],
): Promise<readonly (StoredEntry | null)[]> {
  const reads = ids.map((id) => ({ id }));
  const results = await inBatches(driver, reads, (batch) => driver.read(type, batch));
  return results.map(toStored);
}

/** Reads one entry. */
export async function read(driver: Driver, type: string, id: string): Promise<StoredEntry | null> {
  const [found] = await readAll(driver, type, [id]);
  return found ?? null;
}

/** Touches entries and checks the form of the answer. */
export async function touch(
  driver: Driver,
  type: string,
  touches: readonly Touch[],
): Promise<readonly boolean[]> {
  const results = await inBatches(driver, touches, (batch) => driver.touch(type, batch));
  return results.map(toBoolean);
}

/** Deletes entries and checks the form of the answer. */
export async function del(
  driver: Driver,
  type: string,
  deletions: readonly Deletion[],
): Promise<readonly boolean[]> {
  const results = await inBatches(driver, deletions, (batch) => driver.del(type, batch));
  return results.map(toBoolean);
}

/** The most members that the databank would put into one call. */
export function maxBatch(driver: Driver): number {
  return driver.calling?.maxBatch ?? 256;
}

/** The entry that a read or a page holds; its value must be there. */
export function toStored(result: ReadResult | undefined): StoredEntry | null {
  if (result instanceof Error) throw result;
  if (result === null) return null;
  assert.ok(result, "a result is an entry, null or an Error");
  const { json } = result;
  assert.ok(json !== undefined, "the value was left out");
  return { ...result, json };
}

function toBoolean(result: boolean | Error | undefined): boolean {
  if (result instanceof Error) throw result;
  assert.ok(result === true || result === false, "a result is true, false or an Error");
  return result;
}

/** Calls with as many members as the driver allows, and checks the form of the answers. */
async function inBatches<M, R>(
  driver: Driver,
  members: readonly M[],
  call: (batch: readonly M[]) => Answer<readonly R[]>,
): Promise<readonly R[]> {
  const all: R[] = [];
  const size = maxBatch(driver);
  for (let i = 0; i < members.length; i += size) {
    const batch = members.slice(i, i + size);
    const results = await call(batch);
    assert.ok(Array.isArray(results), "the answer is an array");
    assert.equal(results.length, batch.length, "there are as many results as members");
    all.push(...results);
  }
  return all;
}
