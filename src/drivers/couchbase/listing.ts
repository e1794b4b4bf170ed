import { setTimeout as delay } from "node:timers/promises";
import type {
  CountedPage,
  Criterion,
  DeletedPage,
  EntryPage,
  Page,
  Schema,
} from "../../databank/driver.js";
import type { CouchbaseCluster } from "./client.js";
import { isOutOfReach, isUnanswered } from "./client-error.js";
import type { Documents } from "./documents.js";
import { countOf, indexesFor, keysOf, type Statement } from "./statements.js";

// So long an index may take that another process has begun to make.
const INDEX_PATIENCE_MS = 3000;
const PAUSE_MS = 100;

/** Lists and searches entries by the query service, which finds keys; the documents are read. */
export class Listing {
  readonly #cluster: CouchbaseCluster;
  readonly #keyspace: string;
  readonly #documents: Documents;

  constructor(cluster: CouchbaseCluster, place: readonly string[], documents: Documents) {
    this.#cluster = cluster;
    this.#keyspace = place.map((name) => `\`${name.replaceAll("`", "``")}\``).join(".");
    this.#documents = documents;
  }

  /**
   * Makes the indexes that are missing, as far as this is permitted.
   *
   * @throws The client's error where entries cannot be listed.
   */
  async prepare(schema: Schema): Promise<void> {
    for (const statement of indexesFor(this.#keyspace, schema)) {
      try {
        await this.#query({ statement, parameters: {} });
      } catch (error) {
        if (isUnanswered(error)) throw error;
        // Somebody else may have made it, or the user may not: the next query tells.
      }
    }
    const until = performance.now() + INDEX_PATIENCE_MS;
    while (!(await this.#isListed(until))) await delay(PAUSE_MS);
  }

  /** Whether there is an answer. Until then somebody else may be making the index that it needs. */
  async #isListed(until: number): Promise<boolean> {
    try {
      await this.scan("", { limit: 1, cursor: null });
      return true;
    } catch (error) {
      if (isOutOfReach(error) || performance.now() > until) throw error;
      return false;
    }
  }

  scan(type: string, page: Page): Promise<EntryPage> {
    return this.search(type, [], page);
  }

  async search(type: string, criteria: readonly Criterion[], page: Page): Promise<EntryPage> {
    const keys = await this.#keys(type, page, criteria);
    const found = await Promise.all(keys.map((key) => this.#documents.readKey(type, key)));
    return {
      entries: found.filter((entry) => entry !== null),
      cursor: keys.length < page.limit ? null : (keys.at(-1) ?? null),
    };
  }

  async count(type: string): Promise<CountedPage> {
    const start = this.#documents.keys.startOf(type);
    const [count] = await this.#query(countOf(this.#keyspace, type, start, Date.now()));
    return { live: Number(count), cursor: null };
  }

  async clear(type: string, page: Page): Promise<DeletedPage> {
    const keys = await this.#keys(type, page);
    await Promise.all(keys.map((key) => this.#documents.removeKey(key)));
    return {
      deleted: keys.length,
      cursor: keys.length < page.limit ? null : (keys.at(-1) ?? null),
    };
  }

  async #keys(type: string, page: Page, criteria?: readonly Criterion[]) {
    const start = this.#documents.keys.startOf(type);
    const rows = await this.#query(keysOf(this.#keyspace, type, start, page, criteria));
    return rows.map(String);
  }

  async #query({ statement, parameters }: Statement): Promise<readonly unknown[]> {
    // What was written before the question must be in the answer.
    const options = { parameters, scanConsistency: "request_plus" };
    const { rows } = await this.#cluster.query(statement, options);
    return rows;
  }
}
