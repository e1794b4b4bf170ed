import { setTimeout as pause } from "node:timers/promises";
import mysqlPromise from "mysql2/promise";
import { describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type { Driver } from "../../src/databank/driver.js";
import { newLife, nextVersion } from "../../src/databank/version.js";
import { registerDrivers } from "../../src/drivers/catalog.js";
import { mysqlDriver } from "../../src/drivers/mysql.js";
import { count } from "../../src/testing/driver/listing.js";
import { entry, HOUR_MS } from "../support/entry.js";
import { testServerDriver } from "../support/server-driver.js";
import { proxyTo, untilSaved } from "../support/silent-proxy.js";
import { waitUntil } from "../support/wait.js";
import { databaseAt, describeServers, inTable } from "./mysql-database.js";

registerDrivers();

const reads = (...ids: readonly string[]) => ids.map((id) => ({ id }));
const names = (length: number) => Array.from({ length }, (_, i) => `id ${i}`);

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => [Math.random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

/** Calls again what lost a deadlock, as the databank does. */
async function retrying<T>(driver: Driver, call: () => T | Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (driver.retry?.(error) !== "whole") throw error;
    }
  }
}

describeServers((url, server) => {
  testServerDriver({
    name: "mysql",
    url,
    place: inTable,
    driver: (to) => mysqlDriver({ url: to }),
    server,
  });

  const { pool, newTable, connected, opened, ownPool, rows, spied } = databaseAt(url);

  describe("a pool that is passed in", () => {
    it("may have a connection on which nothing is heard any more", async () => {
      const proxy = await proxyTo(url);
      const own = mysqlPromise.createPool({ uri: proxy.url });
      await own.query("SELECT 1");
      proxy.silence();
      const bank = new Databank(mysqlDriver({ pool: own, table: newTable("silent") }));

      await untilSaved(bank, 25_000);

      await bank.disconnect();
      await own.end();
      await proxy.close();
    });

    it("may be for callbacks or for promises, and stays open", async () => {
      const forPromises = mysqlPromise.createPool({ uri: url });
      for (const each of [pool, forPromises]) {
        const driver = mysqlDriver({ pool: each, table: newTable("passed") });
        await driver.connect({});
        expect(await driver.write("session", [entry("a")])).toEqual(["done"]);
        await driver.disconnect();
      }

      expect((await forPromises.query("SELECT 1 AS one"))[0]).toEqual([{ one: 1 }]);
      expect(await rows("SELECT 1 AS one")).toEqual([{ one: 1 }]);
      await forPromises.end();
    });

    it.each([
      ["counts changed rows", { flags: ["-FOUND_ROWS"] }],
      ["casts all to texts", { typeCast: (field: { string(): string | null }) => field.string() }],
      ["gives big numbers as texts", { supportBigNumbers: true, bigNumberStrings: true }],
      ["nests tables", { nestTables: "_", namedPlaceholders: true, dateStrings: true }],
      ["has one connection", { connectionLimit: 1 }],
    ])("may be one that %s", async (_name, options) => {
      const own = ownPool(options);
      const driver = await connected(mysqlDriver({ pool: own, table: newTable("odd") }));
      const a = entry("ä", { json: '{"n":"😀"}' });
      const b = entry("b", { expiresAt: null });

      expect(await driver.write("session", [a, b])).toEqual(["done", "done"]);
      const written = await driver.write("session", [
        entry("c", { if: "absent" }),
        entry("b", { if: "absent" }),
        entry("missing", { if: "present" }),
      ]);
      const earlier = { id: "ä", expiresAt: Date.now() + 1000 };
      const touched = await driver.touch("session", [earlier, ...touches(null, "b", "missing")]);
      const deleted = await driver.del("session", [...reads("c", "missing")]);

      expect(written).toEqual(["done", { conflict: expect.anything() }, { conflict: null }]);
      expect(touched).toEqual([true, true, false]);
      expect(deleted).toEqual([true, false]);
      expect(await driver.read("session", reads("ä", "b"))).toEqual([
        { ...a, expiresAt: expect.closeTo(a.expiresAt ?? 0, -3) },
        b,
      ]);
    });

    it.each([
      ["charset utf8mb4", { charset: "latin1" }],
      ["autocommit", {}],
    ])("is refused without %s", async (what, options) => {
      const own = ownPool(options);
      if (what === "autocommit") {
        own.on("connection", (connection) => connection.query("SET autocommit = 0"));
      }

      await expect(mysqlDriver({ pool: own }).connect({})).rejects.toMatchObject({
        code: "DATABANK_INVALID_OPTION",
        message: expect.stringContaining(what),
      });
    });
  });

  describe("a batch", () => {
    it("is one statement of each kind where nothing is in its way", async () => {
      const { sent, pool: spy } = spied();
      const driver = await connected(mysqlDriver({ pool: spy, table: newTable("one") }));
      const ids = names(50);
      const versions = ids.map(() => newLife());
      sent.length = 0;

      const created = ids.map((id, i) => entry(id, { version: versions[i] ?? "", if: "absent" }));
      await driver.write("session", created);
      await driver.read("session", reads(...ids));
      const changed = ids.map((id, i) =>
        entry(id, { version: nextVersion(versions[i] ?? ""), if: versions[i] ?? "", extend: true }),
      );
      expect(await driver.write("session", changed)).toEqual(ids.map(() => "done"));
      await driver.write(
        "session",
        ids.map((id) => entry(id)),
      );
      await driver.touch("session", touches(null, ...ids));

      const words = sent.map((sql) => sql.split(" ")[0]);
      const transaction = (word: string) => ["START", word, "COMMIT"];
      expect(words).toEqual([
        ...transaction("INSERT"),
        "SELECT",
        ...transaction("UPDATE"),
        ...["INSERT", "UPDATE"],
      ]);
    });

    it("may hold writes of every kind", async () => {
      const driver = await opened(newTable("kinds"));
      const known = entry("known");
      await driver.write("session", [known, entry("there"), entry("extended"), entry("gone")]);

      const results = await driver.write("session", [
        entry("new", { if: "absent" }),
        entry("there", { if: "present" }),
        entry("gone", { expiresAt: Date.now() - 1 }),
        entry("missing", { if: "present" }),
        entry("known", { if: known.version }),
        entry("extended", { extend: true, expiresAt: Date.now() + 1000 }),
        entry("extended too", { extend: true, if: "absent" }),
      ]);

      const done = "done";
      expect(results).toEqual([done, done, done, { conflict: null }, done, done, done]);
      const [extended, gone] = await driver.read("session", reads("extended", "gone"));
      expect(Object(extended).expiresAt).toBeGreaterThan(Date.now() + HOUR_MS / 2);
      expect(gone).toBeNull();
    });

    it("that is repeated after a lost answer knows its own writes, and who lost", async () => {
      const driver = await opened(newTable("repeated"));
      const first = [entry("a"), entry("b"), entry("c")];
      await driver.write("session", first);
      for (const isCreation of [true, false]) {
        const lost = entry(isCreation ? "a" : "c", { if: isCreation ? "absent" : newLife() });
        const won = isCreation
          ? [entry("new", { if: "absent" }), entry("newer", { if: "absent" })]
          : first.slice(0, 2).map(({ id, version }) => entry(id, { if: version }));
        await driver.write("session", [...won, lost]);

        const again = await driver.write("session", [...won, lost]);

        const [current] = await driver.read("session", [lost]);
        expect(again).toEqual(["done", "done", { conflict: current }].map(aboutTime));
      }
    });

    it("may be larger than a statement of the driver", async () => {
      const driver = await opened(newTable("large"));
      const ids = names(300);

      await driver.write(
        "session",
        ids.map((id) => entry(id)),
      );

      expect((await driver.read("session", reads(...ids))).map((each) => Object(each).id)).toEqual(
        ids,
      );
      expect(await driver.touch("session", touches(null, ...ids))).not.toContain(false);
      expect(await driver.del("session", reads(...ids))).not.toContain(false);
      expect(await count(driver, "session")).toBe(0);
    });
  });

  describe("values", () => {
    it("may be larger than one packet together, and one that is alone is refused alone", async () => {
      const { max } = Object((await rows("SELECT @@max_allowed_packet AS max"))[0]);
      const driver = await opened(newTable("packets"));
      const of = (id: string, bytes: number) =>
        entry(id, { json: JSON.stringify("é".repeat(bytes / 2)) });
      const large = ["a", "b", "c"].map((id) => of(id, max / 3));

      const results = await driver.write("session", [...large, of("d", max), entry("e")]);

      expect(results).toEqual([
        ...["done", "done", "done"],
        expect.objectContaining({ code: "DATABANK_VALUE_TOO_LARGE" }),
        "done",
      ]);
      const found = await driver.read("session", reads("a", "b", "c", "d", "e"));
      expect(found.map((each) => Object(each).json)).toEqual([
        ...large.map(({ json }) => json),
        undefined,
        "{}",
      ]);
    });

    it("lie there as JSON that people can read and the server can query", async () => {
      const table = newTable("readable");
      const driver = await opened(table);
      await driver.write("Sitzung", [entry("Ä 1", { json: '{"user":{"name":"Jürgen 😀"}}' })]);

      const [row] = await rows(
        `SELECT CONVERT(type USING utf8mb4) AS type, CONVERT(id USING utf8mb4) AS id,
          JSON_UNQUOTE(JSON_EXTRACT(value, '$.user.name')) AS name FROM ${table}`,
      );

      expect(row).toEqual({ type: "Sitzung", id: "Ä 1", name: "Jürgen 😀" });
    });
  });

  describe("ids", () => {
    it("are told apart byte by byte, and may be longer than any key", async () => {
      const driver = await opened(newTable("ids"));
      const long = "x".repeat(5000);
      const ids = ["a", "A", "a ", "ä", "a\u0308", "", "\0", "\ud800", "\\", long, `${long} `];
      for (const type of ["t", "T", "t ", long, `${long} `]) {
        const written = ids.map((id, i) => entry(id, { json: `${i}`, if: "absent" }));

        expect(await driver.write(type, written)).toEqual(ids.map(() => "done"));

        const found = await driver.read(type, reads(...ids));
        expect(found.map((each) => Object(each).json)).toEqual(ids.map((_, i) => `${i}`));
        const page = await driver.scan?.(type, { limit: 100, cursor: null });
        expect(page?.entries.map(({ id }) => id).sort()).toEqual([...ids].sort());
      }
    });
  });

  describe("many at once", () => {
    it.each([
      ["where nothing is", async () => {}],
      [
        "over what has expired",
        async (driver: Driver) => {
          await driver.write("session", [entry("one", { expiresAt: Date.now() + 20 })]);
          await pause(100);
        },
      ],
    ])("create one entry, and one of 60 succeeds: %s", async (_name, prepare) => {
      const table = newTable("creators");
      // Of 60 connections, with the flags that the client sets by itself.
      const own = ownPool({ connectionLimit: 60 });
      const driver = await connected(mysqlDriver({ pool: own, table }));
      await prepare(driver);
      const writes = Array.from({ length: 60 }, () => entry("one", { if: "absent" }));

      const results = await Promise.all(
        writes.map((write) => retrying(driver, () => driver.write("session", [write]))),
      );

      const winners = writes.filter((_write, i) => results[i]?.[0] === "done");
      expect(winners.length).toBe(1);
      const version = winners[0]?.version;
      for (const [result] of results) {
        if (result !== "done") expect(result).toMatchObject({ conflict: { version } });
      }
    });

    it.each(["version", "absent"])(
      "write batches in any order on the condition %s: one wins, and all others are told of it",
      async (condition) => {
        const table = newTable("batches");
        const clients = await Promise.all([opened(table), opened(table), opened(table)]);
        let wins = 0;
        for (let round = 0; round < 20; round += 1) {
          const ids = names(64).map((id) => (condition === "absent" ? `${round} ${id}` : id));
          const first = ids.map((id) => entry(id));
          if (condition === "version") await clients[0]?.write("session", first);
          const batches = clients.map(() =>
            shuffled(
              ids.map((id, i) => {
                const base = first[i]?.version ?? "";
                return condition === "version"
                  ? entry(id, { version: nextVersion(base), if: base })
                  : entry(id, { if: "absent" });
              }),
            ),
          );

          const results = await Promise.all(
            clients.map((client, i) =>
              retrying(client, () => client.write("session", batches[i] ?? [])),
            ),
          );

          const winners = new Map<string, string>();
          for (const [i, batch] of batches.entries()) {
            for (const [j, { id, version }] of batch.entries()) {
              if (results[i]?.[j] !== "done") continue;
              expect(winners.has(id)).toBe(false);
              winners.set(id, version);
            }
          }
          for (const [i, batch] of batches.entries()) {
            for (const [j, { id, version }] of batch.entries()) {
              const won = winners.get(id);
              if (won === version) wins += 1;
              else expect(results[i]?.[j]).toMatchObject({ conflict: { version: won } });
            }
          }
        }
        expect(wins).toBe(20 * 64);
      },
    );

    it("cannot come between a batch and its look at who won", async () => {
      const table = newTable("between");
      const other = await opened(table);
      let overwritten: unknown;
      const { pool: spy } = spied(async (sql) => {
        if (!sql.startsWith("UPDATE") || overwritten) return;
        overwritten = other.write("session", [entry("a")]);
        // Time enough for it, if it need not wait.
        await Promise.race([overwritten, pause(300)]);
      });
      const driver = await connected(mysqlDriver({ pool: spy, table }));
      await driver.write("session", [entry("a"), entry("b")]);

      const results = await driver.write("session", [
        entry("a", { if: "present" }),
        entry("b", { if: newLife() }),
      ]);

      expect(results).toEqual(["done", { conflict: expect.anything() }]);
      expect(await overwritten).toEqual(["done"]);
    });

    it("make a touch tell that it was too early, or else hold", async () => {
      const table = newTable("early");
      const other = await opened(table);
      const ahead = Date.now() + 2 * HOUR_MS;
      let isWritten = false;
      const { pool: spy } = spied(async (sql) => {
        if (!sql.startsWith("UPDATE") || isWritten) return;
        isWritten = true;
        await other.write("session", [entry("late")]);
      });
      const driver = await connected(mysqlDriver({ pool: spy, table }));

      expect(await driver.touch("session", touches(ahead, "late"))).toEqual([true]);

      const [late] = await driver.read("session", reads("late"));
      expect(Object(late).expiresAt).toBeGreaterThan(ahead - 1000);
    });

    it("wait for a lock in order of id", async () => {
      const table = newTable("order");
      const driver = await opened(table);
      await driver.write("session", [entry("a"), entry("b"), entry("c")]);
      const other = await pool.promise().getConnection();
      await other.query("START TRANSACTION");
      await other.query(`SELECT 1 FROM ${table} WHERE id = 'b' AND type = 'session' FOR UPDATE`);

      // It holds "a" now and waits for "b", and has not come to "c".
      const touched = driver.touch("session", touches(null, "c", "b", "a"));
      await waitUntil(async () => (await isLocked("a")) && !(await isLocked("c")));
      await other.query("COMMIT");
      other.release();

      expect(await touched).toEqual([true, true, true]);

      async function isLocked(id: string): Promise<boolean> {
        const key = `type = 'session' AND id = '${id}'`;
        const sql = `SELECT 1 FROM ${table} WHERE ${key} FOR UPDATE SKIP LOCKED`;
        return (await rows(sql)).length === 0;
      }
    });

    it("recover from a deadlock with another program", async () => {
      const table = newTable("deadlock");
      const bank = Databank.open(inTable(url, table));
      await bank.save("session", "a", 1);
      await bank.save("session", "b", 1);
      const other = await pool.promise().getConnection();
      await other.query("START TRANSACTION");
      // Whoever has changed less is the one to lose, so the other changes a lot.
      await other.query(`INSERT INTO ${table} (type, id, version, created_at, value)
        WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 100)
        SELECT 'other', n, '', 0, '' FROM counted`);
      await other.query(`SELECT 1 FROM ${table} WHERE id = 'b' AND type = 'session' FOR UPDATE`);

      const saved = Promise.all([bank.update("session", "a", 2), bank.update("session", "b", 2)]);
      await waitUntil(async () => {
        const sql = `SELECT 1 FROM ${table} WHERE type = 'session' AND id = 'a' FOR UPDATE SKIP LOCKED`;
        return (await rows(sql)).length === 0;
      });
      await other.query(`SELECT 1 FROM ${table} WHERE id = 'a' AND type = 'session' FOR UPDATE`);
      await other.query("COMMIT");
      other.release();

      expect(await saved).toEqual([2, 2]);
      await bank.disconnect();
    });
  });

  it("goes on with new connections when the server has ended the old ones", async () => {
    const table = newTable("killed");
    const driver = await opened(table);
    await driver.write("session", [entry("a")]);
    const others = await rows(
      `SELECT id FROM information_schema.processlist WHERE info IS NULL AND id <> CONNECTION_ID()`,
    );
    await Promise.allSettled(others.map(({ id }) => rows(`KILL ${Number(id)}`)));

    const found = await retrying(driver, () => driver.read("session", reads("a")));

    expect(found).toMatchObject([{ id: "a" }]);
  });

  it("keeps no process going after disconnect when the server is gone without a word", async () => {
    const sockets = () =>
      process.getActiveResourcesInfo().filter((each) => each === "TCPSocketWrap");
    const proxy = await proxyTo(url);
    const driver = mysqlDriver({ url: inTable(proxy.url, newTable("gone")) });
    await driver.connect({});
    const before = sockets().length;
    proxy.silence();

    await driver.disconnect();

    // The proxy has still both ends of the connection, and the sockets of earlier tests may end.
    expect(sockets().length).toBeLessThan(before);
    await proxy.close();
  });

  it("says what to do after an error", () => {
    const driver = mysqlDriver({ url });
    const failure = (more: object) => Object.assign(new Error("failed"), more);

    for (const errno of [1213, 1205, 1020, 1053, 1927, 4031]) {
      expect(driver.retry?.(failure({ errno }))).toBe("whole");
    }
    for (const code of ["PROTOCOL_CONNECTION_LOST", "ECONNRESET", "EPIPE"]) {
      expect(driver.retry?.(failure({ code, fatal: true }))).toBe("whole");
    }
    for (const errno of [-111, 1040, 1045, 1290]) {
      expect(driver.retry?.(failure({ errno }))).toBe("never");
    }
    expect(driver.retry?.(failure({ code: "ECONNREFUSED", fatal: true }))).toBe("never");
    expect(driver.retry?.(failure({ code: "PROTOCOL_SEQUENCE_TIMEOUT" }))).toBe("never");
    expect(driver.retry?.(new Error("Pool is closed."))).toBe("never");
    expect(driver.retry?.(failure({ errno: 1406 }))).toBe("each");
  });
});

function touches(expiresAt: number | null, ...ids: readonly string[]) {
  return ids.map((id) => ({ id, expiresAt }));
}

/** Deadlines drift by the time that they travel. */
function aboutTime(expected: unknown): unknown {
  if (typeof expected !== "object") return expected;
  const { conflict } = Object(expected);
  return { conflict: { ...conflict, expiresAt: expect.closeTo(conflict.expiresAt, -3) } };
}
