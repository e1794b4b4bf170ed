import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll } from "vitest";
import type { Driver, Schema } from "../../src/databank/driver.js";
import {
  type PostgresPool,
  type PostgresQuery,
  postgresDriver,
} from "../../src/drivers/postgres.js";

/** A databank's URL for a table. */
export const inTable = (url: string, table: string) => `${url}?table=${table}`;

/** What tests of the driver need of a server; closed after the last test of the file. */
export function databaseAt(url: string) {
  const pool = new pg.Pool({ connectionString: url, max: 5 });
  const drivers: Driver[] = [];
  afterAll(async () => {
    await Promise.all(drivers.map((driver) => driver.disconnect()));
    await pool.end();
  });

  async function connected(driver: Driver, schema: Schema = {}): Promise<Driver> {
    drivers.push(driver);
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
      connected(postgresDriver({ url: inTable(url, table) }), schema),

    async rows(sql: string, values: unknown[] = []): Promise<readonly Record<string, unknown>[]> {
      return (await pool.query<Record<string, unknown>>(sql, values)).rows;
    },

    /** The pool, and what a driver asks it. */
    spied(): { readonly asked: PostgresQuery[]; readonly pool: PostgresPool } {
      const asked: PostgresQuery[] = [];
      const spy: PostgresPool = {
        query(query) {
          asked.push(query);
          return pool.query({ ...query });
        },
        on: (event, listener) => pool.on(event, listener),
        removeListener: (event, listener) => pool.removeListener(event, listener),
      };
      return { asked, pool: spy };
    },
  };
}
