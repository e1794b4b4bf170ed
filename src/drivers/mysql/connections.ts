import type { Socket } from "node:net";
import { invalidOption } from "../../databank/options.js";
import { importPackage } from "../import-package.js";
import type {
  ClientPool,
  Done,
  MysqlConnection,
  MysqlPackage,
  Parameter,
  PoolConfig,
  Statement,
} from "./client.js";
import { isReadOnly, isTimeout } from "./errors.js";
import type { Settings } from "./options.js";

// A connection whose other end has vanished would else be waited for until the system gives up.
const MAX_WAIT_MS = 60_000;
// Until it has an answer, `connect` is not tried again.
const MAX_LOOK_MS = 10_000;

const asItIs = (_field: unknown, next: () => unknown): unknown => next();

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
  readonly #sockets: ReadonlySet<Socket>;
  /** The most bytes of one statement. */
  readonly maxPacketBytes: number;

  private constructor({ pool, sockets }: Opened, isOwn: boolean, maxPacketBytes: number) {
    this.#pool = pool;
    this.#sockets = sockets;
    this.#isOwn = isOwn;
    this.maxPacketBytes = maxPacketBytes;
  }

  /**
   * Opens a pool, or takes the one that was passed in, and looks whether it will do.
   *
   * @throws DatabankError `DATABANK_DRIVER_NOT_INSTALLED`, `DATABANK_INVALID_OPTION`.
   */
  static async open({ pool: given, isOwn }: Settings): Promise<Connections> {
    const opened = "getConnection" in given ? passedIn(given) : await createPool(given);
    const connections = new Connections(opened, isOwn, 0);
    try {
      const facts = await connections.#facts();
      return new Connections(opened, isOwn, facts.maxPacketBytes);
    } catch (error) {
      await connections.close();
      throw error;
    }
  }

  rows(sql: string, values: readonly Parameter[]): Promise<readonly Row[]> {
    return this.#alone("execute", prepared(sql, values)) as Promise<readonly Row[]>;
  }

  change(sql: string, values: readonly Parameter[]): Promise<number> {
    return this.#alone("execute", prepared(sql, values)).then(changedRows);
  }

  /** Looks at settings of the server, or at the table's definition. */
  look(sql: string): Promise<readonly Row[]> {
    return this.#alone("query", plain(sql, MAX_LOOK_MS)) as Promise<readonly Row[]>;
  }

  /** Makes or changes the table. Without a limit: an index of a large table takes its time. */
  async define(sql: string): Promise<void> {
    await this.#alone("query", plain(sql));
  }

  /** Runs statements as one transaction. */
  async transaction<T>(task: (session: Session) => Promise<T>): Promise<T> {
    const connection = await this.#acquire();
    const send = (method: Method, statement: Statement) =>
      new Promise((resolve, reject) => {
        this.#send(connection, method, statement, (error, result) => {
          if (error) reject(error);
          else resolve(result);
        });
      });
    try {
      await send("query", plain("START TRANSACTION", MAX_WAIT_MS));
      const result = await task({
        rows: (sql, values) => send("execute", prepared(sql, values)) as Promise<readonly Row[]>,
        change: (sql, values) => send("execute", prepared(sql, values)).then(changedRows),
      });
      await send("query", plain("COMMIT", MAX_WAIT_MS));
      return result;
    } catch (error) {
      await send("query", plain("ROLLBACK", MAX_WAIT_MS)).catch(() => connection.destroy());
      throw error;
    } finally {
      connection.release();
    }
  }

  /** Closes the driver's own pool, and leaves the program's open. */
  async close(): Promise<void> {
    if (!this.#isOwn) return;
    // What can go wrong is that a connection has ended already.
    await new Promise<void>((resolve) => this.#pool.end(() => resolve()));
    // They end when the server closes them, which one that is gone without a word never does.
    for (const socket of this.#sockets) socket.unref();
  }

  async #facts(): Promise<{ maxPacketBytes: number }> {
    const [row = []] = await this.look(
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

  /** Sends one statement, with as few steps as can be: there may be nothing to share them with. */
  #alone(method: Method, statement: Statement): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#pool.getConnection((error, connection) => {
        if (!connection) return reject(error);
        this.#send(connection, method, statement, (failure, result) => {
          connection.release();
          if (failure) reject(failure);
          else resolve(result);
        });
      });
    });
  }

  #send(connection: MysqlConnection, method: Method, statement: Statement, done: Done): void {
    const sent = this.#isOwn ? statement : { ...statement, typeCast: asItIs };
    connection[method](sent, (error, result) => {
      if (error && (isReadOnly(error) || isTimeout(error))) connection.destroy();
      done(error, result);
    });
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

interface Opened {
  readonly pool: ClientPool;
  /** Of the driver's own pool. */
  readonly sockets: ReadonlySet<Socket>;
}

const passedIn = (pool: ClientPool): Opened => ({ pool, sockets: new Set() });

async function createPool(config: PoolConfig): Promise<Opened> {
  const { default: mysql } = await importPackage<{ default: MysqlPackage }>("mysql", "mysql2");
  const pool = mysql.createPool(config);
  const sockets = new Set<Socket>();
  pool.on("connection", (connection) => {
    const { stream } = connection;
    sockets.add(stream);
    stream.once("close", () => sockets.delete(stream));
    // Whoever waits for a connection is told that it has ended; without a listener, the process is.
    connection.on("error", () => {});
  });
  return { pool, sockets };
}

type Method = "execute" | "query";

function prepared(sql: string, values: readonly Parameter[]): Statement {
  return { sql, values, rowsAsArray: true, nestTables: false, timeout: MAX_WAIT_MS };
}

function plain(sql: string, timeout?: number): Statement {
  return { sql, rowsAsArray: true, nestTables: false, ...(timeout !== undefined && { timeout }) };
}

function changedRows(header: unknown): number {
  return (header as { readonly affectedRows: number }).affectedRows;
}
