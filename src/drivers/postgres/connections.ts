import { createHash } from "node:crypto";
import { invalidOption } from "../../databank/options.js";
import { importPackage } from "../import-package.js";
import { codeOf } from "./errors.js";
import type { Settings } from "./options.js";

/** A pool of the package `pg`, as far as the driver needs one. */
export interface PostgresPool {
  query(query: PostgresQuery): Promise<PostgresResult>;
  on(event: "error", listener: (error: Error) => void): unknown;
  removeListener(event: "error", listener: (error: Error) => void): unknown;
}

/** What the driver asks a pool. */
export interface PostgresQuery {
  readonly text: string;
  readonly values?: unknown[];
  /** Of a prepared statement; each connection prepares it once. */
  readonly name?: string;
  /** After how many milliseconds the client gives up, and the connection with it. */
  readonly query_timeout?: number;
}

/** What a pool answers. */
export interface PostgresResult {
  readonly rows: readonly unknown[];
}

interface OwnPool extends PostgresPool {
  end(): Promise<void>;
}

interface PgModule {
  readonly default: { readonly Pool: new (options: Record<string, unknown>) => OwnPool };
}

// A server that is gone without a word would hold a connection for a quarter of an hour.
const CONNECT_TIMEOUT_MS = 10_000;
const QUERY_TIMEOUT_MS = 30_000;
// Until it has an answer, `connect` is not tried again.
const LOOK_TIMEOUT_MS = 10_000;
// Making an index of a large table takes its time.
const DEFINITION_TIMEOUT_MS = 3_600_000;
const IDLE_TIMEOUT_MS = 60_000;

// The pool has closed the connection already, and opens another for the next query.
const ignoreError = () => {};

/** The driver's way to the server: its own pool, or that of the program. */
export class Connections {
  readonly #pool: PostgresPool;
  readonly #isPrepared: boolean;
  readonly #close: () => Promise<void>;
  readonly #names = new Map<string, string>();

  private constructor(pool: PostgresPool, isPrepared: boolean, close: () => Promise<void>) {
    this.#pool = pool;
    this.#isPrepared = isPrepared;
    this.#close = close;
    // Without a listener, a connection that breaks while nobody uses it would end the process.
    pool.on("error", ignoreError);
  }

  /** Makes a pool ready. No connection is opened before the first query. */
  static async open(settings: Settings): Promise<Connections> {
    const { pool, preparedStatements } = settings;
    if (pool) {
      return new Connections(pool, preparedStatements, async () => {
        pool.removeListener("error", ignoreError);
      });
    }
    const own = await ownPool(settings);
    return new Connections(own, preparedStatements, () => own.end());
  }

  /** Closes the pool if it is the driver's own. */
  close(): Promise<void> {
    return this.#close();
  }

  /** Runs a statement that will be run again, prepared if the options say so. */
  query(text: string, values: unknown[]): Promise<readonly unknown[]> {
    const query = { text, values, query_timeout: QUERY_TIMEOUT_MS };
    return this.#run(this.#isPrepared ? { ...query, name: this.#nameOf(text) } : query);
  }

  /** Runs a statement of which there are many different ones. */
  queryOnce(text: string, values: unknown[]): Promise<readonly unknown[]> {
    return this.#run({ text, values, query_timeout: QUERY_TIMEOUT_MS });
  }

  /** Runs a statement that looks at the table's definition. */
  look(text: string, values: unknown[]): Promise<readonly unknown[]> {
    return this.#run({ text, values, query_timeout: LOOK_TIMEOUT_MS });
  }

  /** Runs a statement that makes the table or one of its indexes. */
  async define(text: string): Promise<void> {
    await this.#run({ text, query_timeout: DEFINITION_TIMEOUT_MS });
  }

  async #run(query: PostgresQuery): Promise<readonly unknown[]> {
    try {
      const { rows } = await this.#pool.query(query);
      return rows;
    } catch (error) {
      throw withoutContents(error);
    }
  }

  #nameOf(text: string): string {
    let name = this.#names.get(text);
    if (name === undefined) {
      // Drivers with other tables share connections where the program passes its pool in.
      name = `databank_${createHash("sha1").update(text).digest("hex").slice(0, 20)}`;
      this.#names.set(text, name);
    }
    return name;
  }
}

async function ownPool({ url, maxConnections }: Settings): Promise<OwnPool> {
  const { default: pg } = await importPackage<PgModule>("postgres", "pg", "^8.11");
  return new pg.Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    // A script that has nothing left to do ends, even if it has not disconnected.
    allowExitOnIdle: true,
    application_name: "connect-databank",
    keepAlive: true,
  });
}

/** The error without the fields in which Postgres quotes ids and values. */
function withoutContents(error: unknown): unknown {
  if (codeOf(error) === "ERR_INVALID_URL") {
    // Not the error itself: it quotes the URL.
    return invalidOption(
      "A postgres URL looks like postgres://user:password@host:5432/database, with what is special in the password as %23 and so on",
    );
  }
  if (error instanceof Error) {
    for (const field of ["detail", "where", "internalQuery"]) {
      if (field in error) Reflect.deleteProperty(error, field);
    }
  }
  return error;
}
