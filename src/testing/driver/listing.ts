import assert from "node:assert/strict";
import type { Driver, EntryPage, StoredEntry } from "../../databank/driver.js";
import { toStored } from "./calls.js";

const MAX_PAGES = 10_000;

/** Collects a scan or a search to its end, and asserts that it ends and that pages are bounded. */
export async function collect(
  limit: number,
  next: (cursor: string | null) => Promise<EntryPage>,
): Promise<readonly StoredEntry[]> {
  const found: StoredEntry[] = [];
  for await (const { entries } of pages(next)) {
    // A limit is about so many; a database may finish what it has begun.
    assert.ok(entries.length <= 3 * limit + 10, "a page is far longer than its limit");
    found.push(...entries.map(toStored).filter((each) => each !== null));
  }
  return found;
}

/** @param between - What others do after each page. */
async function* pages<P extends { readonly cursor: string | null }>(
  next: (cursor: string | null) => Promise<P>,
  between: () => Promise<unknown> = async () => {},
): AsyncGenerator<P, void, undefined> {
  let cursor: string | null = null;
  let asked = 0;
  do {
    const page: P = await next(cursor);
    yield page;
    assert.ok(page.cursor === null || typeof page.cursor === "string", "a cursor is a string");
    await between();
    cursor = page.cursor;
    asked += 1;
    assert.ok(asked < MAX_PAGES, "the pages do not end");
  } while (cursor !== null);
}

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

/** How many entries the driver counts in all its steps. */
export function count(
  driver: Driver,
  type: string,
  limit = 50,
  between?: () => Promise<unknown>,
): Promise<number> {
  const next = async (cursor: string | null) => {
    assert.ok(driver.count, "there is no count");
    return driver.count(type, { limit, cursor });
  };
  return sum(pages(next, between), ({ live }) => live);
}

/** Deletes all entries of a type, and returns how many the driver says it has deleted. */
export function clear(
  driver: Driver,
  type: string,
  limit = 50,
  between?: () => Promise<unknown>,
): Promise<number> {
  const next = async (cursor: string | null) => {
    assert.ok(driver.clear, "there is no clear");
    return driver.clear(type, { limit, cursor });
  };
  return sum(pages(next, between), ({ deleted }) => deleted);
}

async function sum<P>(steps: AsyncIterable<P>, of: (step: P) => number): Promise<number> {
  let total = 0;
  for await (const step of steps) total += of(step);
  return total;
}
