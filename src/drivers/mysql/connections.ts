import { invalidOption } from "../../databank/options.js";
import { importPackage } from "../import-package.js";
import type { ClientPool, MysqlConnection, MysqlPackage, Parameter, Statement } from "./client.js";
import { isReadOnly, isTimeout } from "./errors.js";
import type { Settings } from "./options.js";

// A connection whose other end has vanished would else be waited for until the system gives up.
const MAX_WAIT_MS = 60_000;

const PLAIN: Partial<Statement> = { rowsAsArray: true, nestTables: false };
const PLAIN_IN_ANY_POOL: Partial<Statement> = { ...PLAIN, typeCast: (_field, next) => next() };

/** A row: its columns in the order of the statement. */
export type Row = readonly unknown[];

/** How statements are sent within a transaction, or each by itself. */
export interface Session {
  /** Sends a prepared statement, and gives its rows. */
  rows(sql: string, values: readonly Parameter[]): Promise<readonly Row[]>;
  /** Sends a prepared statement, and gives how many rows it found or changed. */
  change(sql: string, values: readonly Parameter[]): Promise<number>;
}

/** Connections to a server, of the driver's own pool or of the program's. */
export class Connections implements Session {
  readonly #pool: ClientPool;
  readonly #isOwn: boolean;
  /** The most bytes of one statement. */
  readonly maxPacketBytes: number;

  private constructor(pool: ClientPool, isOwn: boolean, maxPacketBytes: number) {
    this.#pool = pool;
    this.#isOwn = isOwn;
    this.maxPacketBytes = maxPacketBytes;
  }

  /**
   * Opens a pool, or takes the one that was passed in, and looks whether it will do.
   *
   * @throws DatabankError `DATABANK_DRIVER_NOT_INSTALLED`, `DATABANK_INVALID_OPTION`.
   */
  static async open({ pool: given, isOwn }: Settings): Promise<Connections> {
    const pool = "getConnection" in given ? given : await createPool(given);
    const connections = new Connections(pool, isOwn, 0);
    try {
      const facts = await connections.#facts();
      return new Connections(pool, isOwn, facts.maxPacketBytes);
    } catch (error) {
      await connections.close();
      throw error;
    }
  }

  rows(sql: string, values: readonly Parameter[]): Promise<readonly Row[]> {
    return this.#withConnection((line) => line.rows(sql, values));
  }

  change(sql: string, values: readonly Parameter[]): Promise<number> {
    return this.#withConnection((line) => line.change(sql, values));
  }

  /** Sends a statement of its own, such as one that makes a table, and gives its rows. */
  query(sql: string): Promise<readonly Row[]> {
    return this.#withConnection((line) => line.query(sql));
  }

  /** Runs statements as one transaction. */
  transaction<T>(task: (session: Session) => Promise<T>): Promise<T> {
    return this.#withConnection(async (line, connection) => {
      await line.query("START TRANSACTION");
      try {
        const result = await task(line);
        await line.query("COMMIT");
        return result;
      } catch (error) {
        await line.query("ROLLBACK").catch(() => connection.destroy());
        throw error;
      }
    });
  }

  /** Closes the driver's own pool, and leaves the program's open. */
  async close(): Promise<void> {
    if (!this.#isOwn) return;
    // What can go wrong is that a connection has ended already.
    await new Promise<void>((resolve) => this.#pool.end(() => resolve()));
  }

  async #facts(): Promise<{ maxPacketBytes: number }> {
    const [row = []] = await this.query(
      "SELECT @@max_allowed_packet, @@autocommit, @@character_set_client, @@character_set_connection, @@character_set_results",
    );
    const [maxPacketBytes, autocommit, ...characterSets] = row;
    if (characterSets.some((set) => set !== "utf8mb4")) {
      throw invalidOption("The pool must have the charset utf8mb4, or texts would be damaged");
    }
    if (Number(autocommit) !== 1) {
      throw invalidOption("The pool must have autocommit on, or nothing would be kept");
    }
    return { maxPacketBytes: Number(maxPacketBytes) };
  }

  async #withConnection<T>(
    task: (line: Line, connection: MysqlConnection) => Promise<T>,
  ): Promise<T> {
    const connection = await this.#acquire();
    try {
      return await task(new Line(connection, this.#isOwn), connection);
    } catch (error) {
      if (isReadOnly(error) || isTimeout(error)) connection.destroy();
      throw error;
    } finally {
      connection.release();
    }
  }

  #acquire(): Promise<MysqlConnection> {
    return new Promise((resolve, reject) => {
      this.#pool.getConnection((error, connection) => {
        if (connection) resolve(connection);
        else reject(error);
      });
    });
  }
}

async function createPool(config: Parameters<MysqlPackage["createPool"]>[0]): Promise<ClientPool> {
  const { default: mysql } = await importPackage<{ default: MysqlPackage }>("mysql", "mysql2");
  const pool = mysql.createPool(config);
  // Whoever waits for a connection is told that it has ended; without a listener, the process is.
  pool.on("connection", (connection) => connection.on("error", () => {}));
  return pool;
}

/** One connection, while nobody else uses it. */
class Line implements Session {
  readonly #connection: MysqlConnection;
  readonly #settings: Partial<Statement>;

  constructor(connection: MysqlConnection, isOwn: boolean) {
    this.#connection = connection;
    this.#settings = isOwn ? PLAIN : PLAIN_IN_ANY_POOL;
  }

  async rows(sql: string, values: readonly Parameter[]): Promise<readonly Row[]> {
    return (await this.#send("execute", { sql, values, timeout: MAX_WAIT_MS })) as readonly Row[];
  }

  async change(sql: string, values: readonly Parameter[]): Promise<number> {
    const header = await this.#send("execute", { sql, values, timeout: MAX_WAIT_MS });
    return (header as { readonly affectedRows: number }).affectedRows;
  }

  // Making the index of a large table takes its time.
  async query(sql: string): Promise<readonly Row[]> {
    return (await this.#send("query", { sql })) as readonly Row[];
  }

  #send(method: "execute" | "query", statement: Statement): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#connection[method]({ ...statement, ...this.#settings }, (error, result) => {
        if (error) reject(error);
        else resolve(result);
      });
    });
  }
}
