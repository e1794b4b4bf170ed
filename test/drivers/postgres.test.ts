import pg from "pg";
import { describe, expect, it } from "vitest";
import type { Driver } from "../../src/databank/driver.js";
import { newLife, nextVersion } from "../../src/databank/version.js";
import { Databank } from "../../src/databank-module.js";
import { postgresDriver } from "../../src/drivers/postgres.js";
import { clear, count } from "../../src/testing/driver/listing.js";
import { entry, HOUR_MS } from "../support/entry.js";
import { testServerDriver } from "../support/server-driver.js";
import { describeServer } from "../support/servers.js";
import { proxyTo, untilSaved } from "../support/silent-proxy.js";
import { waitUntil } from "../support/wait.js";
import { databaseAt, inTable } from "./postgres-database.js";

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => [Math.random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

describeServer("POSTGRES_URL", (url) => {
  testServerDriver({
    name: "postgres",
    url,
    place: inTable,
    driver: (to) => postgresDriver({ url: to }),
    server: "postgres",
  });

  const { pool, newTable, connected, opened, rows, spied } = databaseAt(url);

  describe("a pool that is passed in", () => {
    it("stays open, with the listeners that it had", async () => {
      const before = pool.listenerCount("error");
      const driver = postgresDriver({ pool, table: newTable("passed") });
      await driver.connect({});
      expect(await driver.write("session", [entry("a")])).toEqual(["done"]);
      expect(pool.listenerCount("error")).toBe(before + 1);
      await driver.disconnect();

      expect(pool.listenerCount("error")).toBe(before);
      expect(await rows("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    });

    it("may have a connection on which nothing is heard any more", async () => {
      const proxy = await proxyTo(url);
      const own = new pg.Pool({ connectionString: proxy.url });
      await own.query("SELECT 1");
      proxy.silence();
      const bank = new Databank(postgresDriver({ pool: own, table: newTable("silent") }));

      await untilSaved(bank, 25_000);

      await bank.disconnect();
      await own.end();
      await proxy.close();
    });

    it("may be of one connection, and turn numbers and dates into whatever it likes", async () => {
      const types = { getTypeParser: () => (text: string) => text };
      const odd = new pg.Pool({ connectionString: url, max: 1, types });
      const driver = await connected(postgresDriver({ pool: odd, table: newTable("odd") }));
      const a = entry("a", { json: '{"n":1}' });
      const b = entry("b", { expiresAt: null });

      await driver.write("session", [a, b]);
      await driver.write("session", [entry("c", { if: "absent" }), entry("a", { if: "present" })]);

      expect(await driver.read("session", [{ id: "b" }])).toMatchObject([
        { json: "{}", createdAt: b.createdAt, expiresAt: null },
      ]);
      expect(await count(driver, "session")).toBe(3);
      expect(await clear(driver, "session")).toBe(3);
      await driver.disconnect();
      await odd.end();
    });
  });

  describe("a batch", () => {
    it("is one statement, whatever its size, and each statement is prepared", async () => {
      const { asked, pool: spy } = spied();
      const driver = await connected(postgresDriver({ pool: spy, table: newTable("one") }));
      const ids = Array.from({ length: 50 }, (_, i) => `id ${i}`);
      const versions = ids.map(() => newLife());
      const changes = ids.map((id, i) => {
        const version = nextVersion(versions[i] ?? "");
        return entry(id, { version, if: versions[i] ?? "" });
      });
      asked.length = 0;

      await driver.write(
        "session",
        ids.map((id, i) => entry(id, { version: versions[i] ?? "" })),
      );
      await driver.read(
        "session",
        ids.map((id) => ({ id })),
      );
      expect(await driver.write("session", changes)).toEqual(ids.map(() => "done"));
      await driver.touch(
        "session",
        ids.map((id) => ({ id, expiresAt: null })),
      );
      await driver.del(
        "session",
        ids.map((id) => ({ id })),
      );

      expect(asked.length).toBe(5);
      expect(new Set(asked.map((query) => Object(query).name)).size).toBe(5);
    });

    it("has no names for its statements where a pooler could not keep them", async () => {
      const { asked, pool: spy } = spied();
      const driver = await connected(
        postgresDriver({ pool: spy, table: newTable("plain"), preparedStatements: false }),
      );

      await driver.write("session", [entry("a")]);

      expect(asked.filter((query) => "name" in query)).toEqual([]);
    });

    it("reads no more than it needs, also by plans made when the table was empty", async () => {
      const table = newTable("plans");
      const single = new pg.Pool({ connectionString: url, max: 1 });
      const driver = await connected(postgresDriver({ pool: single, table }));
      await pool.query(`ALTER TABLE ${table} SET (autovacuum_enabled = false)`);
      const ids = Array.from({ length: 3000 }, (_, i) => `id ${i}`);
      const some = ids.slice(0, 30);
      const expiresAt = Date.now() + 2 * HOUR_MS;
      const rounds: readonly (() => unknown)[] = [
        () =>
          driver.read(
            "session",
            some.map((id, i) => (i % 2 ? { id } : { id, known: "a.b" })),
          ),
        () =>
          driver.write(
            "session",
            some.map((id) => entry(id, { if: "present" })),
          ),
        () =>
          driver.touch(
            "session",
            some.map((id) => ({ id, expiresAt })),
          ),
        () =>
          driver.del(
            "session",
            some.map((id) => ({ id, if: "a.b" })),
          ),
      ];
      // Postgres keeps the plan of a prepared statement from the sixth time on.
      for (let i = 0; i < 8; i += 1) for (const round of rounds) await round();
      for (let i = 0; i < ids.length; i += 250) {
        await driver.write(
          "session",
          ids.slice(i, i + 250).map((id) => entry(id)),
        );
      }

      const before = await readRows();
      for (const round of rounds) await round();
      const read = (await readRows()) - before;
      await driver.disconnect();
      await single.end();

      expect(read).toBeGreaterThan(30);
      expect(read).toBeLessThan(2000);

      async function readRows(): Promise<number> {
        // Backends report what they have done a while later, before Postgres 15 at any rate.
        await single.query("SELECT pg_stat_force_next_flush()").catch(() => {});
        const [row] = await rows(
          "SELECT seq_tup_read + idx_tup_fetch AS n FROM pg_stat_user_tables WHERE relname = $1",
          [table],
        );
        return Number(row?.n);
      }
    });

    it("is refused where a text is not one JSON value, and stores nothing under other ids", async () => {
      const driver = await opened(newTable("broken"));
      await driver.write("session", [entry("a"), entry("b")]);
      const broken = [entry("a", { json: "1,2" }), entry("b", { json: "3" })];

      await expect(driver.write("session", broken)).rejects.toThrow();
      const changes = broken.map((write) => ({ ...write, if: "present" }));
      await expect(driver.write("session", changes)).rejects.toThrow();

      const stored = await driver.read("session", [{ id: "a" }, { id: "b" }]);
      expect(stored).toMatchObject([{ json: "{}" }, { json: "{}" }]);
    });

    it("may hold writes of every kind", async () => {
      const driver = await opened(newTable("kinds"));
      const known = entry("known");
      const passed = entry("passed", { expiresAt: Date.now() - 1 });
      await driver.write("session", [known, entry("there"), entry("extended")]);

      const results = await driver.write("session", [
        entry("new", { if: "absent" }),
        entry("there", { if: "present" }),
        passed,
        entry("missing", { if: "present" }),
        entry("known", { if: known.version }),
        entry("extended", { extend: true, expiresAt: Date.now() + 1000 }),
        entry("extended too", { extend: true, if: "absent" }),
      ]);

      const done = "done";
      expect(results).toEqual([done, done, done, { conflict: null }, done, done, done]);
      const [extended] = await driver.read("session", [{ id: "extended" }]);
      expect(Object(extended).expiresAt).toBeGreaterThan(Date.now() + HOUR_MS / 2);
    });
  });

  describe("many at once", () => {
    it.each([
      ["where nothing is", async () => {}],
      [
        "over what has expired",
        async (driver: Driver) => {
          await driver.write("session", [entry("one", { expiresAt: Date.now() + 20 })]);
          await new Promise((resolve) => setTimeout(resolve, 100));
        },
      ],
    ])("create one entry, and one of 60 succeeds: %s", async (_name, prepare) => {
      const table = newTable("creators");
      const [a, b] = await Promise.all([opened(table), opened(table)]);
      await prepare(a);
      const writes = Array.from({ length: 60 }, () => entry("one", { if: "absent" }));

      const results = await Promise.all(
        writes.map((write, i) => (i % 2 ? a : b).write("session", [write])),
      );

      const winners = writes.filter((_write, i) => results[i]?.[0] === "done");
      expect(winners.length).toBe(1);
      const version = winners[0]?.version;
      for (const [result] of results) {
        if (result !== "done") expect(result).toMatchObject({ conflict: { version } });
      }
    });

    it("change one version in batches in any order: one wins, and all others are told of it", async () => {
      const table = newTable("versions");
      const clients = await Promise.all([opened(table), opened(table), opened(table)]);
      const ids = Array.from({ length: 64 }, (_, i) => `id ${i}`);
      const first = ids.map((id) => entry(id));
      let current = first.map(({ version }) => version);
      await clients[0]?.write("session", first);

      for (let round = 0; round < 20; round += 1) {
        const batches = clients.map(() =>
          shuffled(
            ids.map((id, i) => {
              const version = nextVersion(current[i] ?? "");
              return entry(id, { version, if: current[i] ?? "" });
            }),
          ),
        );
        const results = await Promise.all(
          clients.map((client, i) => client.write("session", batches[i] ?? [])),
        );
        const winners = new Map<string, string>();
        batches.forEach((batch, i) => {
          batch.forEach(({ id, version }, j) => {
            if (results[i]?.[j] !== "done") return;
            expect(winners.has(id)).toBe(false);
            winners.set(id, version);
          });
        });
        expect(winners.size).toBe(ids.length);
        batches.forEach((batch, i) => {
          batch.forEach(({ id, version }, j) => {
            if (winners.get(id) === version) return;
            expect(results[i]?.[j]).toMatchObject({ conflict: { version: winners.get(id) } });
          });
        });
        current = ids.map((id) => winners.get(id) ?? "");
      }
    });

    it("never deadlock, in whatever order their batches are, and whatever they do", async () => {
      const table = newTable("shuffled");
      const clients = await Promise.all([opened(table), opened(table)]);
      const ids = Array.from({ length: 40 }, (_, i) => `id ${i}`);
      const some = () => shuffled(ids).slice(0, 30);
      const expiresAt = Date.now() + HOUR_MS;
      const works: readonly ((driver: Driver) => unknown)[] = [
        (driver) =>
          driver.write(
            "session",
            some().map((id) => entry(id)),
          ),
        (driver) =>
          driver.write(
            "session",
            some().map((id) => entry(id, { if: "absent" })),
          ),
        (driver) =>
          driver.write(
            "session",
            some().map((id) => entry(id, { if: "present" })),
          ),
        (driver) =>
          driver.touch(
            "session",
            some().map((id) => ({ id, expiresAt })),
          ),
        (driver) =>
          driver.del(
            "session",
            some()
              .slice(0, 5)
              .map((id) => ({ id })),
          ),
        (driver) =>
          driver.write(
            "session",
            some().map((id, i) => entry(id, i % 2 ? {} : { if: "present" })),
          ),
        (driver) => driver.deleteExpired?.("session", { limit: 100, cursor: null }),
      ];
      // Each statement holds its locks for a while, so that they overlap for certain.
      await pool.query(`CREATE FUNCTION ${table}_wait() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(0.0005); RETURN COALESCE(NEW, OLD); END $$`);
      await pool.query(`CREATE TRIGGER wait BEFORE INSERT OR UPDATE OR DELETE ON ${table}
        FOR EACH ROW EXECUTE FUNCTION ${table}_wait()`);
      const before = await deadlocks();

      await Promise.all(
        clients.flatMap((client) =>
          [0, 1, 2].map(async (offset) => {
            for (let i = 0; i < 20; i += 1) await works[(i + offset) % works.length]?.(client);
          }),
        ),
      );

      expect(await deadlocks()).toBe(before);
    });

    async function deadlocks(): Promise<unknown> {
      await pool.query("SELECT pg_stat_clear_snapshot()");
      const [row] = await rows(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
      );
      return Object(row).deadlocks;
    }

    it("wait for a lock in order of id", async () => {
      const table = newTable("order");
      const driver = await opened(table);
      // In the other order on the disk, in which they would come by themselves.
      for (const id of ["c", "b", "a"]) await driver.write("session", [entry(id)]);
      const other = await pool.connect();
      await other.query("BEGIN");
      await other.query(`SELECT 1 FROM ${table} WHERE id = 'b' FOR UPDATE`);

      // It holds "a" now and waits for "b", and has not come to "c".
      const touches = ["c", "b", "a"].map((id) => ({ id, expiresAt: null }));
      const touched = driver.touch("session", touches);
      await waitUntil(async () => (await isLocked("a")) && !(await isLocked("c")));
      await other.query(`SELECT 1 FROM ${table} WHERE id = 'c' FOR UPDATE`);
      await other.query("COMMIT");
      other.release();

      expect(await touched).toEqual([true, true, true]);

      async function isLocked(id: string): Promise<boolean> {
        const sql = `SELECT 1 FROM ${table} WHERE id = $1 FOR UPDATE SKIP LOCKED`;
        return (await rows(sql, [id])).length === 0;
      }
    });

    it("repeat a batch that lost a deadlock or a connection, and no other", async () => {
      const driver = postgresDriver({ url });
      const failure = (code: string) => Object.assign(new Error("failed"), { code });

      for (const code of ["40P01", "40001", "57P01", "ECONNRESET"]) {
        expect(driver.retry?.(failure(code))).toBe("whole");
      }
      expect(driver.retry?.(new Error("Connection terminated unexpectedly"))).toBe("whole");
      for (const code of ["57P03", "08006", "53300", "ECONNREFUSED", "ENOTFOUND"]) {
        expect(driver.retry?.(failure(code))).toBe("never");
      }
      expect(driver.retry?.(new AggregateError([failure("ECONNREFUSED")], "both addresses"))).toBe(
        "never",
      );
      expect(driver.retry?.(new Error("Query read timeout"))).toBe("never");
      expect(driver.retry?.(failure("54000"))).toBe("each");
    });

    it("recover from a deadlock with another program", async () => {
      const table = newTable("deadlock");
      const bank = Databank.open(inTable(url, table));
      await bank.save("session", "a", 1);
      await bank.save("session", "b", 1);
      const other = await pool.connect();
      await other.query("BEGIN; SET LOCAL deadlock_timeout = '60s'");
      await other.query(`SELECT 1 FROM ${table} WHERE id = 'b' FOR UPDATE`);

      const saved = Promise.all([bank.update("session", "a", 2), bank.update("session", "b", 2)]);
      await waitUntil(async () => {
        const sql = `SELECT 1 FROM ${table} WHERE id = 'a' FOR UPDATE SKIP LOCKED`;
        return (await rows(sql)).length === 0;
      });
      await other.query(`SELECT 1 FROM ${table} WHERE id = 'a' FOR UPDATE`);
      await other.query("COMMIT");
      other.release();

      expect(await saved).toEqual([2, 2]);
      await bank.disconnect();
    });
  });
});
