import assert from "node:assert/strict";
import type { Driver, EntryPage, StoredEntry } from "../../databank/driver.js";
import { toStored } from "./calls.js";

/** Collects a scan or a search to its end, and asserts that it ends and that pages are bounded. */
export async function collect(
  limit: number,
  next: (cursor: string | null) => Promise<EntryPage>,
): Promise<readonly StoredEntry[]> {
  const found: StoredEntry[] = [];
  let cursor: string | null = null;
  let pages = 0;
  do {
    const page: EntryPage = await next(cursor);
    // A limit is about so many; a database may finish what it has begun.
    assert.ok(page.entries.length <= 3 * limit + 10, "a page is far longer than its limit");
    found.push(...page.entries.map(toStored).filter((each) => each !== null));
    assert.ok(page.cursor === null || typeof page.cursor === "string", "a cursor is a string");
    cursor = page.cursor;
    pages += 1;
    assert.ok(pages < MAX_PAGES, "the pages do not end");
  } while (cursor !== null);
  return found;
}

const MAX_PAGES = 10_000;

/** All that a scan shows. */
export function scan(driver: Driver, type: string, limit = 50): Promise<readonly StoredEntry[]> {
  return collect(limit, async (cursor) => {
    assert.ok(driver.scan, "there is no scan");
    return driver.scan(type, { limit, cursor });
  });
}

/** The ids that a scan shows, each once, in order. */
export async function scannedIds(
  driver: Driver,
  type: string,
  limit?: number,
): Promise<readonly string[]> {
  const entries = await scan(driver, type, limit);
  return [...new Set(entries.map(({ id }) => id))].sort();
}

/** How many entries the driver counts. */
export async function count(driver: Driver, type: string): Promise<number> {
  assert.ok(driver.count, "there is no count");
  return driver.count(type);
}

/** Deletes all entries of a type. */
export async function clear(driver: Driver, type: string): Promise<void> {
  assert.ok(driver.clear, "there is no clear");
  await driver.clear(type);
}
