import { setImmediate as nextTurn } from "node:timers/promises";
import { checkType } from "./address.js";
import type { Connection } from "./connection.js";
import { type Criteria, Matcher } from "./criteria.js";
import type {
  CorruptReport,
  Criterion,
  Driver,
  EntryPage,
  Page,
  Schema,
  StoredEntry,
} from "./driver.js";
import { type Entry, toEntry } from "./entry.js";
import { NotImplementedError } from "./errors.js";

/** How many entries come into memory at a time, or are looked at one by one. */
const PAGE = 100;
/** How many are counted or deleted at a time, which stay in the database. */
const LONG_PAGE = 1000;

/** What a databank tells who listens. */
export interface DatabankEvents {
  /** A scan or a search has passed over an entry that it could not read. */
  corrupt: [event: CorruptReport];
}

/** What can be done with all entries of a type, page by page, so that memory stays bounded. */
export class Listings {
  readonly #connection: Connection;
  readonly #schema: () => Schema;
  readonly #onCorrupt: (event: CorruptReport) => void;

  constructor(
    connection: Connection,
    schema: () => Schema,
    onCorrupt: (event: CorruptReport) => void,
  ) {
    this.#connection = connection;
    this.#schema = schema;
    this.#onCorrupt = onCorrupt;
  }

  async *scan<T>(type: string): AsyncGenerator<Entry<T>, void, undefined> {
    checkType(type);
    const pages = this.#pages(PAGE, (driver, page) => scanPage(driver, type, page));
    for await (const { entries } of pages) yield* this.#readable<T>(type, entries);
  }

  async *search<T>(type: string, criteria: Criteria): AsyncGenerator<Entry<T>, void, undefined> {
    checkType(type);
    const matcher = new Matcher(criteria);
    const indexed = this.#indexed(type, matcher.criteria);
    const pages = this.#pages(PAGE, (driver, page) =>
      indexed.length > 0 && driver.search
        ? driver.search(type, indexed, page)
        : scanPage(driver, type, page),
    );
    for await (const { entries } of pages) {
      for (const entry of this.#readable<T>(type, entries)) {
        if (matcher.matches(entry.value)) yield entry;
      }
    }
  }

  async count(type: string): Promise<number> {
    checkType(type);
    const pages = this.#pages(LONG_PAGE, async (driver, page) => {
      if (!driver.count) throw cannotList(driver);
      return driver.count(type, page);
    });
    return sum(pages, ({ live }) => live);
  }

  async clear(type: string): Promise<void> {
    checkType(type);
    const pages = this.#pages(LONG_PAGE, async (driver, page) => {
      if (!driver.clear) throw cannotList(driver);
      return driver.clear(type, page);
    });
    await sum(pages, ({ deleted }) => deleted);
  }

  async deleteExpired(type: string): Promise<number> {
    checkType(type);
    const pages = this.#pages(
      PAGE,
      async (driver, page) => driver.deleteExpired?.(type, page) ?? { deleted: 0, cursor: null },
    );
    return sum(pages, ({ deleted }) => deleted);
  }

  #indexed(type: string, criteria: readonly Criterion[]): readonly Criterion[] {
    const indices = this.#schema()[type]?.indices ?? [];
    return criteria.filter(({ path }) => indices.includes(path));
  }

  /** Each page is a call of its own, in the time that a call may take. */
  async *#pages<P extends { readonly cursor: string | null }>(
    limit: number,
    next: (driver: Driver, page: Page) => Promise<P>,
  ): AsyncGenerator<P, void, undefined> {
    let cursor: string | null = null;
    do {
      const page: Page = { limit, cursor };
      const answer: P = await this.#connection.call((driver) => next(driver, page));
      yield answer;
      cursor = answer.cursor;
      // Requests that wait come first.
      if (cursor !== null) await nextTurn();
    } while (cursor !== null);
  }

  *#readable<T>(type: string, entries: readonly StoredEntry[]): Generator<Entry<T>> {
    for (const stored of entries) {
      let entry: Entry<T>;
      try {
        entry = toEntry<T>(type, stored);
      } catch (cause) {
        this.#onCorrupt({ type, cause });
        continue;
      }
      yield entry;
    }
  }
}

/** Asks for all pages, and adds up a number of each. */
async function sum<P>(pages: AsyncIterable<P>, of: (page: P) => number): Promise<number> {
  let total = 0;
  for await (const page of pages) total += of(page);
  return total;
}

async function scanPage(driver: Driver, type: string, page: Page): Promise<EntryPage> {
  if (!driver.scan) throw cannotList(driver);
  return driver.scan(type, page);
}

function cannotList(driver: Driver): NotImplementedError {
  return new NotImplementedError(`A ${driver.name} databank cannot list its entries`);
}
