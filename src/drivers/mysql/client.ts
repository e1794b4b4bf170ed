import type { Socket } from "node:net";

/** What a statement is given. Numbers go as texts: the client would send them as doubles. */
export type Parameter = string | null;

/** How a statement is sent. What a pool of the program is set to otherwise must not matter. */
export interface Statement {
  readonly sql: string;
  readonly values?: readonly Parameter[];
  readonly rowsAsArray?: boolean;
  readonly nestTables?: false;
  readonly typeCast?: (field: unknown, next: () => unknown) => unknown;
  /** In milliseconds. */
  readonly timeout?: number;
}

/** Told how a statement ended. */
export type Done = (error: unknown, result?: unknown) => void;

/** The part of a connection that the driver uses. */
export interface MysqlConnection {
  query(statement: Statement, done: Done): unknown;
  execute(statement: Statement, done: Done): unknown;
  release(): void;
  destroy(): void;
}

/** A connection of a pool when it has been opened. */
export interface OpenConnection extends NodeJS.EventEmitter {
  readonly stream: Socket;
}

/** The part of a pool that the driver uses. */
export interface ClientPool {
  getConnection(done: (error: unknown, connection?: MysqlConnection) => void): void;
  end(done: (error?: unknown) => void): void;
  on(event: "connection", listener: (connection: OpenConnection) => void): unknown;
}

/** A pool for callbacks: what `createPool` of the package mysql2 makes. */
export interface MysqlPool {
  getConnection(...parameters: never): unknown;
  promise(...parameters: never): unknown;
}

/** A pool for promises: what `createPool` of `mysql2/promise` makes. */
export interface MysqlPromisePool {
  readonly pool: MysqlPool;
}

/** What the driver's own pool is made of. */
export interface PoolConfig {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly socketPath?: string;
  readonly ssl?: object;
  readonly connectionLimit: number;
  readonly charset: string;
  readonly trace: boolean;
}

/** The part of the package mysql2 that the driver uses. */
export interface MysqlPackage {
  createPool(config: PoolConfig): ClientPool;
}
