import { describe, expect, it } from "vitest";
import { type PostgresPool, postgresDriver } from "../../src/drivers/postgres.js";
import { testDriver } from "../../src/testing/index.js";
import { entry } from "../support/entry.js";
import { describeServer } from "../support/servers.js";
import { databaseAt } from "./postgres-database.js";

describeServer("POSTGRES_URL", (url) => {
  const { pool, newTable, connected, rows } = databaseAt(url);
  const asked: string[] = [];

  /** Postgres, which says that it is CockroachDB. */
  const cockroach: PostgresPool = {
    async query(query) {
      asked.push(query.text);
      const { rows: found } = await pool.query<Record<string, unknown>>({ ...query });
      return {
        rows: found.map((row) =>
          "server" in row ? { ...row, server: "CockroachDB CCL v25" } : row,
        ),
      };
    },
    on: (event, listener) => pool.on(event, listener),
    removeListener: (event, listener) => pool.removeListener(event, listener),
  };

  describe("a server that says that it is CockroachDB", () => {
    const table = newTable("cockroach");

    testDriver(
      { describe, it },
      { open: (schema) => connected(postgresDriver({ pool: cockroach, table }), schema) },
    );

    it("keeps values as text, which its json would change, and names no collation", async () => {
      const own = newTable("cockroach");
      const driver = await connected(postgresDriver({ pool: cockroach, table: own }));
      await driver.write("session", [entry("a"), entry("b", { if: "present" })]);
      await driver.search?.("session", [], { limit: 1, cursor: null });
      const types = await rows(
        "SELECT data_type FROM information_schema.columns WHERE table_name = $1 AND column_name = 'value'",
        [own],
      );

      expect(types).toEqual([{ data_type: "text" }]);
      expect(asked.join("\n")).not.toMatch(/COLLATE/i);
      expect(asked.join("\n")).toContain("ORDER BY");
    });
  });
});
