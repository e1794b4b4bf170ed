import { setImmediate as nextTurn } from "node:timers/promises";
import { checkType } from "./address.js";
import type { Connection } from "./connection.js";
import { type Criteria, Matcher } from "./criteria.js";
import type { Criterion, Driver, EntryPage, Page, Schema, StoredEntry } from "./driver.js";
import { type Entry, toEntry } from "./entry.js";
import { NotImplementedError } from "./errors.js";

const PAGE = 100;

/** What a databank tells who listens. */
export interface DatabankEvents {
  /** A scan or a search has passed over an entry that it could not read. */
  corrupt: [event: CorruptEvent];
}

/** Where something unreadable was found, and why it is unreadable. */
export interface CorruptEvent {
  readonly type: string;
  readonly cause: unknown;
}

/** What can be done with all entries of a type, page by page, so that memory stays bounded. */
export class Listings {
  readonly #connection: Connection;
  readonly #schema: () => Schema;
  readonly #onCorrupt: (event: CorruptEvent) => void;

  constructor(
    connection: Connection,
    schema: () => Schema,
    onCorrupt: (event: CorruptEvent) => void,
  ) {
    this.#connection = connection;
    this.#schema = schema;
    this.#onCorrupt = onCorrupt;
  }

  async *scan<T>(type: string): AsyncGenerator<Entry<T>, void, undefined> {
    checkType(type);
    const pages = this.#pages((driver, page) => scanPage(driver, type, page));
    for await (const entries of pages) yield* this.#readable<T>(type, entries);
  }

  async *search<T>(type: string, criteria: Criteria): AsyncGenerator<Entry<T>, void, undefined> {
    checkType(type);
    const matcher = new Matcher(criteria);
    const indexed = this.#indexed(type, matcher.criteria);
    const pages = this.#pages((driver, page) =>
      indexed.length > 0 && driver.search
        ? driver.search(type, indexed, page)
        : scanPage(driver, type, page),
    );
    for await (const entries of pages) {
      for (const entry of this.#readable<T>(type, entries)) {
        if (matcher.matches(entry.value)) yield entry;
      }
    }
  }

  async count(type: string): Promise<number> {
    checkType(type);
    return this.#connection.call(async (driver) => {
      if (!driver.count) throw cannotList(driver);
      return driver.count(type);
    });
  }

  async clear(type: string): Promise<void> {
    checkType(type);
    await this.#connection.call(async (driver) => {
      if (!driver.clear) throw cannotList(driver);
      await driver.clear(type);
    });
  }

  async deleteExpired(type: string): Promise<number> {
    checkType(type);
    let deleted = 0;
    let cursor: string | null = null;
    do {
      const page: Page = { limit: PAGE, cursor };
      const step = await this.#connection.call(
        async (driver) => driver.deleteExpired?.(type, page) ?? { deleted: 0, cursor: null },
      );
      deleted += step.deleted;
      cursor = step.cursor;
      // Requests that wait come first.
      if (cursor !== null) await nextTurn();
    } while (cursor !== null);
    return deleted;
  }

  #indexed(type: string, criteria: readonly Criterion[]): readonly Criterion[] {
    const indices = this.#schema()[type]?.indices ?? [];
    return criteria.filter(({ path }) => indices.includes(path));
  }

  async *#pages(
    next: (driver: Driver, page: Page) => Promise<EntryPage>,
  ): AsyncGenerator<readonly StoredEntry[], void, undefined> {
    let cursor: string | null = null;
    do {
      const page: Page = { limit: PAGE, cursor };
      const answer: EntryPage = await this.#connection.call((driver) => next(driver, page));
      yield answer.entries;
      cursor = answer.cursor;
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

async function scanPage(driver: Driver, type: string, page: Page): Promise<EntryPage> {
  if (!driver.scan) throw cannotList(driver);
  return driver.scan(type, page);
}

function cannotList(driver: Driver): NotImplementedError {
  return new NotImplementedError(`A ${driver.name} databank cannot list its entries`);
}
