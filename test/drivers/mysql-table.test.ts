import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Criterion, Driver } from "../../src/databank/driver.js";
import { mysqlDriver } from "../../src/drivers/mysql.js";
import { count, scannedIds } from "../../src/testing/driver/listing.js";
import { entry } from "../support/entry.js";
import { databaseAt, describeServers, inTable } from "./mysql-database.js";

async function found(driver: Driver, criteria: readonly Criterion[], limit = 100) {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page: { entries: readonly { id: string }[]; cursor: string | null } | undefined =
      await driver.search?.("session", criteria, { limit, cursor });
    ids.push(...(page?.entries.map(({ id }) => id) ?? []));
    cursor = page?.cursor ?? null;
  } while (cursor !== null);
  return ids.sort();
}

const deep = (levels: number, inner: unknown) =>
  JSON.parse(`${"[".repeat(levels)}${JSON.stringify(inner)}${"]".repeat(levels)}`);

describeServers((url, server) => {
  const { newTable, opened, connected, rows, spied, ownPool } = databaseAt(url);

  describe("a search", () => {
    const schema = { session: { indices: ["user.id", "tag", "list.1", 'odd"path'] } };
    const values: Record<string, unknown> = {
      number: { user: { id: 1 } },
      text: { user: { id: "1" } },
      literal: { "user.id": 1 },
      both: { "user.id": 1, user: { id: 2 } },
      null: { user: { id: null } },
      object: { user: { id: { b: 2, a: 1 } } },
      float: { user: { id: 1e21 } },
      umlaut: { user: { id: "ä😀\u0000'\\" } },
      // Servers do not take it for JSON.
      half: { user: { id: "\ud800" } },
      long: { user: { id: "x".repeat(5000) } },
      // MariaDB looks into 32 levels, MySQL into 100.
      deep: { user: { id: 7 }, deep: deep(120, 1) },
      tagged: { user: { id: 1 }, tag: "a" },
      list: { list: [0, "second"] },
      property: { list: { 1: "second" } },
    };

    // What the server cannot look into is always found, and left to the databank.
    const unknown = ["deep", "half"];

    async function filled(what: string) {
      const driver = await opened(newTable(what), schema);
      await driver.write(
        "session",
        Object.entries(values).map(([id, value]) => entry(id, { json: JSON.stringify(value) })),
      );
      return driver;
    }

    it.each([
      ["1", ["both", "literal", "number", "tagged"]],
      ['"1"', ["text"]],
      ["2", []],
      ["null", ["null"]],
      ['{"a":1,"b":2}', ["object"]],
      [JSON.stringify(deep(120, 1)), []],
      ['"\\ud800"', []],
      ["1e+21", ["float"]],
      [JSON.stringify(Object(values.umlaut).user.id), ["umlaut"]],
      [JSON.stringify("x".repeat(5000)), ["long"]],
      ["7", []],
    ])("goes by an index, for %j", async (json, ids) => {
      const driver = await filled("search");

      expect(await found(driver, [{ path: "user.id", json }])).toEqual([...ids, ...unknown].sort());
      expect(await found(driver, [{ path: "user.id", json }], 1)).toEqual(
        [...ids, ...unknown].sort(),
      );
    });

    it("combines paths, looks into lists, and leaves odd paths to the databank", async () => {
      const driver = await filled("paths");

      const both = [
        { path: "user.id", json: "1" },
        { path: "tag", json: '"a"' },
      ];
      expect(await found(driver, both)).toEqual(["deep", "half", "tagged"]);
      expect(await found(driver, [{ path: "list.1", json: '"second"' }])).toEqual([
        "deep",
        "half",
        "list",
        "property",
      ]);
      expect(await found(driver, [{ path: 'odd"path', json: "1" }])).toEqual(
        Object.keys(values).sort(),
      );
    });

    it("looks at the index alone", async () => {
      const table = newTable("explain");
      const { sent, pool } = spied();
      const driver = await connected(mysqlDriver({ pool, table }), schema);
      const entries = Array.from({ length: 500 }, (_, i) =>
        entry(`${i}`, { json: JSON.stringify({ user: { id: i } }) }),
      );
      await driver.write("session", entries);
      await found(driver, [{ path: "user.id", json: "77" }]);

      const sql = sent
        .at(-1)
        ?.replaceAll("type = ?", "type = 'session'")
        .replaceAll("id > ?", "id > ''");
      const plan = await rows(`EXPLAIN FORMAT=TRADITIONAL ${sql?.replaceAll("?", `'{"a":77}'`)}`);

      const looked = plan.filter(({ key }) => key !== null).map(({ rows: count }) => Number(count));
      expect(looked).toEqual([1, 1]);
    });

    it.each(["latin1", "ascii", "utf8mb3", "utf8mb4"])(
      "goes by paths in any script, whatever the character set of the table: %s",
      async (charset) => {
        const table = newTable("script");
        const indices = ["größe", "пользователь.id", "user.😀", "it's"];
        await opened(table);
        await rows(`ALTER TABLE ${table} DEFAULT CHARACTER SET ${charset}`);
        const driver = await opened(table, { session: { indices } });
        const entries = indices.flatMap((path) =>
          [1, 2].map((n) => entry(`${path} ${n}`, { json: JSON.stringify({ [path]: n }) })),
        );
        await driver.write("session", entries);

        for (const path of indices) {
          expect(await found(driver, [{ path, json: "1" }])).toEqual([`${path} 1`]);
        }
      },
    );

    it.each([
      "ANSI,NO_BACKSLASH_ESCAPES",
      "TRADITIONAL",
      ...(server === "mariadb" ? ["EMPTY_STRING_IS_NULL"] : []),
    ])("and a scan find all through a pool of the mode %s", async (mode) => {
      const own = ownPool({ connectionLimit: 1 });
      own.on("connection", (connection) => connection.query(`SET sql_mode = '${mode}'`));
      const driver = await connected(mysqlDriver({ pool: own, table: newTable("mode") }), {
        session: { indices: ["it's"] },
      });
      await driver.write("session", [entry("", { json: '{"it\'s":1}' }), entry("b")]);

      expect(await found(driver, [{ path: "it's", json: "1" }])).toEqual([""]);
      expect(await scannedIds(driver, "session")).toEqual(["", "b"]);
      expect(await count(driver, "session")).toBe(2);
    });

    it("finds what was there before its index", async () => {
      const table = newTable("later");
      const first = await opened(table);
      await first.write("session", [entry("a", { json: '{"user":{"id":1}}' })]);
      await first.write("session", [entry("b", { json: '{"user":{"id":2}}' })]);
      const json = JSON.stringify(values.deep);
      await first.write("session", [entry("deep", { json })]);

      const second = await opened(table, schema);

      expect(await found(second, [{ path: "user.id", json: "1" }])).toEqual(["a", "deep"]);
      expect(await second.read("session", [{ id: "deep" }])).toMatchObject([{ json }]);
    });

    it("of entries that somebody has damaged finds the others", async () => {
      const table = newTable("damaged");
      const driver = await opened(table, schema);
      await driver.write("session", [
        entry("a", { json: '{"user":{"id":1}}' }),
        entry("b", { json: '{"user":{"id":1}}' }),
      ]);
      await rows(`UPDATE ${table} SET value = '{broken' WHERE id = 'a'`);

      expect(await found(driver, [{ path: "user.id", json: "1" }])).toContain("b");
    });
  });

  describe("the table", () => {
    it("is used as it is by an account that may make none", async () => {
      const table = newTable("granted");
      await opened(table, { session: { indices: ["tag"] } });
      const user = table.slice(0, 30);
      await rows(`CREATE USER ${user}@'127.0.0.1' IDENTIFIED BY 'pass%word'`);
      await rows(
        `GRANT SELECT, INSERT, UPDATE, DELETE ON databank.${table} TO ${user}@'127.0.0.1'`,
      );
      const { host, pathname } = new URL(url);
      const granted = `mariadb://${user}:pass%25word@${host}${pathname}?table=databank.${table}`;

      const driver = await connected(mysqlDriver({ url: granted }), {
        session: { indices: ["tag"] },
      });

      expect(await driver.write("session", [entry("a")])).toEqual(["done"]);
      await rows(`DROP USER ${user}@'127.0.0.1'`);
    });

    it("of somebody else is left alone", async () => {
      const table = newTable("theirs");
      await rows(`CREATE TABLE ${table} (session_id VARCHAR(128) PRIMARY KEY, data TEXT)`);

      for (const schema of [{}, { session: { indices: ["tag"] } }]) {
        await expect(opened(table, schema)).rejects.toMatchObject({
          code: "DATABANK_INVALID_OPTION",
          message: expect.stringMatching(`${table}.*choose another name with the option table`),
        });
      }
    });

    it.each([
      ["value", "TEXT CHARACTER SET utf8mb4 NOT NULL"],
      ["value", "LONGTEXT CHARACTER SET latin1 NOT NULL"],
      ["id", "VARCHAR(512) CHARACTER SET ascii NOT NULL"],
      ["id", "VARBINARY(64) NOT NULL"],
      ["expires_at", "BIGINT UNSIGNED"],
    ])("that would damage entries in its column %s is refused: %s", async (column, type) => {
      const table = newTable("damaging");
      await opened(table);
      await rows(`ALTER TABLE ${table} MODIFY ${column} ${type}`);

      await expect(opened(table)).rejects.toMatchObject({
        code: "DATABANK_INVALID_OPTION",
        message: expect.stringContaining(`no column ${column} of the type`),
      });
    });

    it.each(server === "mariadb" ? ["COMPRESSED"] : [])(
      "may have values that the server keeps %s",
      async (how) => {
        const table = newTable("kept");
        await opened(table);
        await rows(
          `ALTER TABLE ${table} MODIFY value LONGTEXT ${how} CHARACTER SET utf8mb4 NOT NULL`,
        );
        const driver = await opened(table);

        expect(await driver.write("session", [entry("a")])).toEqual(["done"]);
      },
    );

    it("may have any name", async () => {
      const table = `odd \`name\` ${newTable("x")}`;
      const driver = await opened(encodeURIComponent(table));

      expect(await driver.write("session", [entry("a")])).toEqual(["done"]);
    });

    it("has an index of its deadlines that touches leave alone", async () => {
      const table = newTable("cleanup");
      const driver = await opened(table);
      await driver.write("session", [entry("a")]);
      const before = await rows(`SELECT cleanup_at FROM ${table}`);

      const expiresAt = Date.now() + 9_000_000;
      await driver.touch("session", [{ id: "a", expiresAt }]);

      expect(await rows(`SELECT cleanup_at FROM ${table}`)).toEqual(before);
    });
  });

  it("goes by the server's clock, whatever the time zones are", async () => {
    const table = newTable("zone");
    const own = ownPool({});
    own.on("connection", (connection) => connection.query("SET time_zone = '-11:00'"));
    const driver = await connected(mysqlDriver({ pool: own, table }));
    const reader = await opened(table);
    const now = Date.now;
    Date.now = () => now() + 7_200_000;
    try {
      await driver.write("session", [entry("a", { expiresAt: Date.now() + 60_000 })]);
    } finally {
      Date.now = now;
    }

    const [read] = await reader.read("session", [{ id: "a" }]);

    expect(Object(read).expiresAt - Date.now()).toBeGreaterThan(50_000);
    expect(Object(read).expiresAt - Date.now()).toBeLessThan(61_000);
  });

  it.each([
    [{ url: "mysql://localhost" }, "must name a server and a database"],
    [{ url: "mysql:shop" }, "must name a server and a database"],
    [{ url: "mysql://u:100%@localhost/shop" }, "% written as %25"],
    [{ url: "mysql://localhost/shop?tabel=x" }, "did you mean table"],
    [{ url: "mysql://localhost/shop?charset=x" }, "has no option charset"],
    [{ url: "mysql://localhost/shop", maxConnection: 1 }, "did you mean maxConnections"],
    [{ url: "mysql://localhost/shop", maxConnections: 0 }, "maxConnections must be"],
    [{ url: "mysql://localhost/shop", ssl: "yes" }, "ssl must be true or false"],
    [{ url: "mysql://localhost/shop", table: "a.b.c" }, "table must be the name"],
    [{ url: "mysql://localhost/shop", table: "x".repeat(65) }, "table must be the name"],
    [{ pool: {} }, "pool must be a pool of the package mysql2"],
    [{ pool: {}, ssl: true }, "has no option ssl"],
    [{}, "url must be a text"],
  ])("refuses the options %j", (options, message) => {
    const given: unknown = options;
    expect(() => mysqlDriver(given as Parameters<typeof mysqlDriver>[0])).toThrow(message);
  });

  it("names the command that installs the client where it is missing", () => {
    // Away from the folders in which Node would find it.
    const folder = mkdtempSync(join(tmpdir(), "mysql-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    cpSync(join(__dirname, "../../dist"), folder, { recursive: true });
    const code = `require("./drivers/mysql.js").mysqlDriver({ url: "${url}" }).connect({})
      .catch(({ code, message }) => console.log(code, message))`;

    const output = execFileSync(process.execPath, ["-e", code], { cwd: folder, encoding: "utf8" });

    expect(output).toContain("DATABANK_DRIVER_NOT_INSTALLED");
    expect(output).toContain("npm install mysql2");
  });

  it("never shows a password", () => {
    for (const wrong of [
      "mysql://u:secret@",
      "mysql://u:secret%@h/d",
      "mysql://u:secret@h/d?x=1",
    ]) {
      expect(() => mysqlDriver({ url: wrong })).toThrow(
        expect.not.objectContaining({ message: expect.stringContaining("secret") }),
      );
    }
  });

  it("says so where the server refuses it", async () => {
    const { host, pathname } = new URL(url);
    const driver = mysqlDriver({ url: inTable(`mysql://nobody:wrong@${host}${pathname}`, "x") });

    await expect(driver.connect({})).rejects.toMatchObject({ errno: 1045 });
    await driver.disconnect();
  });
});
