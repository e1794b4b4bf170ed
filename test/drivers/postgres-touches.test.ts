import { randomUUID } from "node:crypto";
import pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Schema } from "../../src/databank/driver.js";
import { postgresDriver } from "../../src/drivers/postgres.js";
import { entry, HOUR_MS } from "../support/entry.js";
import { ownServer } from "../support/servers.js";
import { waitUntil } from "../support/wait.js";

/** A driver on a server without other transactions, which could keep dead rows where new ones belong. */
async function alone(schema: Schema = {}) {
  const own = await ownServer("postgres", { durable: false });
  const pool = new pg.Pool({ connectionString: own.url, max: 1 });
  const driver = postgresDriver({ url: own.url });
  onTestFinished(async () => {
    await driver.disconnect();
    await pool.end();
    await own.close();
  });
  await driver.connect(schema);

  async function row(sql: string): Promise<Record<string, unknown>> {
    return Object((await pool.query(sql)).rows[0]);
  }

  return {
    driver,
    /** How large what is outside of the rows has become: values that are too long for them. */
    async outside() {
      const sql = "SELECT pg_relation_size(reltoastrelid) AS bytes FROM pg_class";
      return Number((await row(`${sql} WHERE relname = 'databank'`)).bytes);
    },
    /** How many of so many updates changed no index. */
    async hotUpdatesOf(expected: number): Promise<number> {
      const sql = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables";
      let found = await row(sql);
      // Backends report what they have done a while later.
      await waitUntil(async () => {
        found = await row(sql);
        return Number(found.n_tup_upd) >= expected;
      });
      return Number(found.n_tup_hot_upd);
    },
  };
}

describe("touches", () => {
  const json = JSON.stringify({ user: { id: 7 }, cart: "x".repeat(1000) });
  const ids = Array.from({ length: 200 }, (_, i) => `id ${i}`);

  it("change no index and no value", async () => {
    const { driver, outside, hotUpdatesOf } = await alone({ session: { indices: ["user.id"] } });
    const long = JSON.stringify(Array.from({ length: 2000 }, () => randomUUID()));
    await driver.write("session", [
      ...ids.map((id) => entry(id, { json })),
      entry("long", { json: long }),
    ]);
    const size = await outside();

    const expiresAt = Date.now() + 2 * HOUR_MS;
    for (const id of [...ids, "long", "long", "long"]) {
      await driver.touch("session", [{ id, expiresAt }]);
    }
    for (let i = 0; i < 20; i += 1) {
      const some = ids.filter((_id, j) => j % 20 === i);
      await driver.touch(
        "session",
        some.map((id) => ({ id, expiresAt: expiresAt + 1000 })),
      );
    }

    expect(await hotUpdatesOf(403)).toBeGreaterThan(383);
    expect(size).toBeGreaterThan(0);
    expect(await outside()).toBe(size);
  });

  it("and writes that move a deadline forward leave the index of the cleanup alone", async () => {
    const { driver, hotUpdatesOf } = await alone();
    await driver.write(
      "session",
      ids.map((id) => entry(id, { json })),
    );

    for (const [i, id] of ids.entries()) {
      const change = entry(id, { json, expiresAt: Date.now() + 2 * HOUR_MS, if: "present" });
      await driver.write("session", [i % 2 ? change : { ...change, extend: true }]);
    }

    expect(await hotUpdatesOf(200)).toBeGreaterThan(190);
  });
});
