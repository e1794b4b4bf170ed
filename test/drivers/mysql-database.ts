import { randomUUID } from "node:crypto";
import mysql, { type PoolOptions } from "mysql2";
import { afterAll } from "vitest";
import type { Driver, Schema } from "../../src/databank/driver.js";
import type { ClientPool, Done, Statement } from "../../src/drivers/mysql/client.js";
import { type MysqlPool, mysqlDriver } from "../../src/drivers/mysql.js";
import { describeServer } from "../support/servers.js";

/** Registers tests of the driver for each kind of server that it is for. */
export function describeServers(register: (url: string, server: "mariadb" | "mysql") => void) {
  describeServer("MARIADB_URL", (url) => register(url, "mariadb"));
  describeServer("MYSQL_URL", (url) => register(url, "mysql"));
}

/** A databank's URL for a table. */
export const inTable = (url: string, table: string) => `${url}?table=${table}`;

/** What tests of the driver need of a server; closed after the last test of the file. */
export function databaseAt(url: string) {
  const pool = mysql.createPool({ uri: url, connectionLimit: 5 });
  const closing: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const close of closing) await close();
    await pool.promise().end();
  });

  async function connected(driver: Driver, schema: Schema = {}): Promise<Driver> {
    closing.push(() => driver.disconnect());
    await driver.connect(schema);
    return driver;
  }

  return {
    pool,
    /** The name of a table that is not there yet. */
    newTable: (what: string) => `${what}_${randomUUID().slice(0, 8)}`,
    connected,
    /** A driver of its own connections on a table. */
    opened: (table: string, schema?: Schema) =>
      connected(mysqlDriver({ url: inTable(url, table) }), schema),

    /** A pool of the program's, set as some programs set theirs. */
    ownPool(options: PoolOptions) {
      const own = mysql.createPool({ uri: url, ...options });
      closing.unshift(() => own.promise().end());
      return own;
    },

    async rows(sql: string): Promise<readonly Record<string, unknown>[]> {
      const [found] = await pool.promise().query(sql);
      return found as unknown as readonly Record<string, unknown>[];
    },

    /**
     * The pool, and the statements that a driver sends through it.
     *
     * @param after - Called after each statement, before the driver is told how it ended.
     */
    spied(after = async (_sql: string): Promise<void> => {}): {
      readonly sent: string[];
      readonly pool: MysqlPool;
    } {
      const sent: string[] = [];
      const spy: ClientPool & MysqlPool = {
        getConnection: (done) =>
          pool.getConnection((error, connection) => {
            if (error) return done(error);
            const note = (statement: Statement) => {
              sent.push(statement.sql);
              return { ...statement, values: [...(statement.values ?? [])] };
            };
            const told =
              (sql: string, end: Done): Done =>
              (failure, result) => {
                void after(sql).then(() => end(failure, result));
              };
            done(null, {
              query: (statement, end) =>
                connection.query(note(statement), told(statement.sql, end)),
              execute: (statement, end) =>
                connection.execute(note(statement), told(statement.sql, end)),
              release: () => connection.release(),
              destroy: () => connection.destroy(),
            });
          }),
        promise: () => pool.promise(),
        end: (done) => pool.end(done),
        on: () => {},
      };
      return { sent, pool: spy };
    },
  };
}
