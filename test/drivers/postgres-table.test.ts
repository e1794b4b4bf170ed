import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import type { DeletedPage, Driver, EntryPage, Page } from "../../src/databank/driver.js";
import { Databank } from "../../src/databank-module.js";
import { type PostgresPool, postgresDriver, postgresTableSql } from "../../src/drivers/postgres.js";
import { clear, count } from "../../src/testing/driver/listing.js";
import { entry, HOUR_MS } from "../support/entry.js";
import { describeServer, ownServer } from "../support/servers.js";
import { waitUntil } from "../support/wait.js";
import { databaseAt, inTable } from "./postgres-database.js";

const PAGE = { limit: 100, cursor: null };

describe("table.sql", () => {
  const sql = readFileSync(join(__dirname, "../../src/drivers/postgres/table.sql"), "utf8");

  it("is what the driver runs, and what its page says", () => {
    const statements = sql.replace(/^--.*\n/gm, "").trim();

    expect(postgresTableSql().trim()).toBe(statements);
    expect(readFileSync(join(__dirname, "../../docs/drivers/postgres.md"), "utf8")).toContain(
      statements,
    );
  });

  it("is in the package", () => {
    const manifest: unknown = JSON.parse(
      readFileSync(join(__dirname, "../../package.json"), "utf8"),
    );
    expect(Object(manifest).files).toContain("src/drivers/postgres/table.sql");
  });
});

describe("options", () => {
  const url = "postgres://127.0.0.1/db";

  it.each([
    [{ url, tabel: "a" }, "did you mean table"],
    [{ url: `${url}?sslmode=disable&tabel=a` }, "did you mean table"],
    [{ url: `${url}?maxConnections=many` }, "maxConnections must be a number"],
    [{ url, maxConnections: 0 }, "maxConnections must be a whole number from 1"],
    [{ url, createTable: "no" }, "createTable must be true or false"],
    [{ url: `${url}?preparedStatements=1` }, "preparedStatements must be true or false"],
    [{ url, table: "a.b.c" }, "a schema and a table"],
    [{ url, table: "x".repeat(64) }, "a schema and a table"],
    [{ url, table: "a\0" }, "a schema and a table"],
    [{ pool: {} }, "pool must be a Pool"],
    [{ pool: new pg.Pool(), maxConnections: 1 }, "has no option maxConnections"],
    [{}, "url must be a text"],
    [{ url: "db.example.com:5432/web" }, "url must begin with postgres://"],
    [{ url: "mysql://127.0.0.1/db" }, "url must begin with postgres://"],
  ])("%j are refused", (options, message) => {
    const given: unknown = options;
    expect(() => postgresDriver(given as Parameters<typeof postgresDriver>[0])).toThrow(message);
  });

  it.each([
    "POSTGRESQL://127.0.0.1/db",
    "postgres:///db?host=/var/run",
    "postgres:/db",
    "pg://127.0.0.1/db",
    "tcp://127.0.0.1/db",
    "socket:/var/run?db=web",
    "/var/run web",
  ])("may have any URL that the package pg takes: %s", (taken) => {
    expect(() => postgresDriver({ url: taken })).not.toThrow();
  });

  it("may not have a single connection for a pool", () => {
    expect(() => postgresDriver({ pool: new pg.Client() })).toThrow("pool must be a Pool");
  });

  it("keep the password out of messages", async () => {
    const failing = postgresDriver({ url: "postgres://app:s3cret@[::1/db" });
    const error: unknown = await failing.connect({}).catch((reason: unknown) => reason);

    expect(error).toMatchObject({ code: "DATABANK_INVALID_OPTION" });
    expect(inspect(error)).not.toContain("s3cret");
  });

  it("name the command that installs the client where it is missing", () => {
    // Away from the folders in which Node would find it.
    const folder = mkdtempSync(join(tmpdir(), "postgres-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    cpSync(join(__dirname, "../../dist"), folder, { recursive: true });
    const code = `require("./drivers/postgres.js").postgresDriver({ url: "${url}" }).connect({})
      .catch(({ code, message }) => console.log(code, message))`;

    const output = execFileSync(process.execPath, ["-e", code], { cwd: folder, encoding: "utf8" });

    expect(output).toContain("DATABANK_DRIVER_NOT_INSTALLED");
    expect(output).toContain('npm install "pg@^8.11"');
  });
});

describeServer("POSTGRES_URL", (url) => {
  const { pool, newTable, connected, opened, rows, spied } = databaseAt(url);

  describe("the table", () => {
    it("takes options from the URL, and leaves the others to the client", async () => {
      const schema = newTable("schema");
      await pool.query(`CREATE SCHEMA ${schema}`);
      const to = `${url.replace("postgres:", "postgresql:")}?application_name=mine&table=${schema}.%22My%20table%22&timeoutMs=4000&maxConnections=2`;
      const bank = Databank.open(to);

      await bank.save("session", "a", 1);

      expect(await rows(`SELECT id FROM ${schema}."""My table"""`)).toEqual([{ id: "a" }]);
      expect(
        (await rows("SELECT 1 FROM pg_stat_activity WHERE application_name = 'mine'")).length,
      ).toBeGreaterThan(0);
      await bank.disconnect();
    });

    it("may have a name as long as Postgres allows", async () => {
      const [one, other] = ["a", "ä"].map(
        (end) => newTable("x".repeat(54 - Buffer.byteLength(end))) + end,
      );
      const schema = { session: { indices: ["user.id"] } };
      for (const table of [one ?? "", `public.${other}`]) {
        const driver = await opened(table, schema);
        expect(await driver.write("session", [entry("a")])).toEqual(["done"]);
        await opened(table, schema);
      }

      for (const table of [one, other]) {
        const indexes = await rows("SELECT 1 FROM pg_indexes WHERE tablename = $1", [table]);
        expect(indexes.length).toBe(3);
      }
    });

    it("may be created by somebody else at the same moment", async () => {
      const table = newTable("race");
      const other = await pool.connect();
      await other.query(`BEGIN; ${postgresTableSql({ table })}`);

      const connecting = opened(table);
      const isWaiting =
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1";
      await waitUntil(async () => (await rows(isWaiting, [`CREATE TABLE%${table}%`])).length > 0);
      await other.query("COMMIT");
      other.release();

      const driver = await connecting;
      expect(await driver.write("session", [entry("a")])).toEqual(["done"]);
    });

    it("may come into being while the driver looks whether it is there", async () => {
      const table = newTable("midway");
      const gate = await pool.connect();
      await gate.query("SELECT pg_advisory_lock(hashtext($1))", [table]);
      const looking = new pg.Pool({ connectionString: url, max: 1 });
      let looks = 0;
      // The first look waits after it has begun, so that it sees the catalog as it was before. Then
      // it opens another table, where a session hears of new names.
      const slow: PostgresPool = {
        query({ text, values = [] }) {
          looks += Number(text.includes("version() AS server"));
          const waiting = `(SELECT version() || left(pg_relation_size('pg_aggregate')::text, 0)
            FROM pg_advisory_lock(hashtext('${table}'))) AS server`;
          const asked = looks === 1 ? text.replace("version() AS server", waiting) : text;
          return looking.query({ text: asked, values });
        },
        on: (event, listener) => looking.on(event, listener),
        removeListener: (event, listener) => looking.removeListener(event, listener),
      };

      const connecting = connected(postgresDriver({ pool: slow, table }));
      const isWaiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
      await waitUntil(async () => (await rows(isWaiting)).length > 0);
      await pool.query(postgresTableSql({ table }));
      await gate.query("SELECT pg_advisory_unlock(hashtext($1))", [table]);
      gate.release();

      const driver = await connecting;
      expect(looks).toBe(2);
      expect(await driver.write("session", [entry("a")])).toEqual(["done"]);
      await driver.disconnect();
      await looking.end();
    });

    it("is used as it is where the role may create nothing", async () => {
      const table = newTable("reviewed");
      const role = newTable("role");
      const schema = { session: { indices: ["tag"] } };
      await pool.query(postgresTableSql({ table, schema }));
      await pool.query(`CREATE ROLE ${role} LOGIN`);
      await pool.query("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
      await pool.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${table} TO ${role}`);
      const asRole = url.replace("postgres@", `${role}@`);

      const driver = await connected(postgresDriver({ url: inTable(asRole, table) }), schema);
      expect(await driver.write("session", [entry("a")])).toEqual(["done"]);

      const other = postgresDriver({ url: inTable(asRole, newTable("other")) });
      await expect(other.connect({})).rejects.toThrow("postgresTableSql()");
      await other.disconnect();
    });

    it("is not created where it shall not be, nor are indexes", async () => {
      const table = newTable("own");
      const driver = postgresDriver({ url: inTable(url, table), createTable: false });
      const schema = { session: { indices: ["tag"] } };

      await expect(driver.connect(schema)).rejects.toMatchObject({
        code: "DATABANK_INVALID_OPTION",
        message: expect.stringContaining("is missing"),
      });
      await pool.query(postgresTableSql({ table }));
      await connected(driver, schema);

      await driver.write("session", [entry("a", { json: '{"tag":1}' }), entry("b")]);
      const found = await driver.search?.("session", [{ path: "tag", json: "1" }], PAGE);
      expect(found?.entries.map(({ id }) => id)).toEqual(["a"]);
      const indexes = await rows("SELECT 1 FROM pg_indexes WHERE tablename = $1", [table]);
      expect(indexes.length).toBe(2);
    });

    it("may have values of the type text", async () => {
      const table = newTable("texts");
      await pool.query(postgresTableSql({ table }).replace("value json", "value text"));
      const driver = await opened(table, { session: { indices: ["tag"] } });
      const version = entry("").version;

      await driver.write("session", [
        entry("a", { version, json: '{"tag":"\\u0000"}' }),
        entry("b"),
      ]);
      await driver.write("session", [entry("a", { if: version, json: '{"tag":2}' })]);
      await driver.write("session", [
        entry("b", { if: "present", json: '{"tag":1}' }),
        entry("a", { if: "present", json: '{"tag":1}' }),
      ]);

      const found = await driver.search?.("session", [{ path: "tag", json: "1" }], PAGE);
      expect(found?.entries.map(({ id }) => id)).toEqual(["a", "b"]);
    });

    it("may refuse an entry, which fails alone, and the error tells nothing of it", async () => {
      const table = newTable("refusing");
      const bank = Databank.open(inTable(url, table));
      await bank.save("session", "first", 1);
      await pool.query(`ALTER TABLE ${table} ADD CHECK (id <> 'secret-id')`);

      const ids = ["a", "secret-id", "b"];
      const results = await Promise.allSettled(
        ids.map((id) => bank.save("session", id, "secret value")),
      );

      expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
      const shown = inspect(Object(results[1]).reason, { depth: 10 });
      expect(shown).toContain("violates check constraint");
      expect(shown).not.toMatch(/secret.id|secret value/);
      await bank.disconnect();
    });

    it("may order ids by a language, as one made by other tools does", async () => {
      const table = newTable("language");
      await pool.query(postgresTableSql({ table }).replaceAll('COLLATE "C"', 'COLLATE "en-x-icu"'));
      const driver = await opened(table, { session: { indices: ["tag"] } });
      const ids = ["a", "B", "c", "D", "_x", "é", "Z", "z", "-", "A"];
      await driver.write(
        "session",
        ids.map((id) => entry(id, { json: '{"tag":1}' })),
      );
      const scanned = await idsOf((page) => driver.scan?.("session", page));
      const criteria = [{ path: "tag", json: "1" }];
      const searched = await idsOf((page) => driver.search?.("session", criteria, page));

      expect(scanned.toSorted()).toEqual(ids.toSorted());
      expect(searched.toSorted()).toEqual(ids.toSorted());
      await idsOf(async (page) => {
        const step = await driver.clear?.("session", page);
        return { entries: [], cursor: step?.cursor ?? null };
      });
      expect(await rows(`SELECT id FROM ${table}`)).toEqual([]);
    });

    it.each([
      ["jsonb values", "CREATE TABLE % (id text PRIMARY KEY, value jsonb)"],
      ["no values", "CREATE TABLE % (id text PRIMARY KEY)"],
      ["values and keys", "CREATE TABLE % (key text PRIMARY KEY, value text)"],
    ])("of somebody else, with %s, is left alone", async (_what, sql) => {
      const table = newTable("theirs");
      await pool.query(sql.replace("%", table));
      const driver = postgresDriver({ url: inTable(url, table) });

      await expect(driver.connect({})).rejects.toMatchObject({
        code: "DATABANK_INVALID_OPTION",
        message: expect.stringContaining("choose another name"),
      });
      await driver.disconnect();
    });

    it("may hold a deadline at the end of time, which stays one that a Date can hold", async () => {
      const table = newTable("end");
      const driver = await opened(table);
      await driver.write("session", [entry("a", { expiresAt: 8.64e15 })]);
      // As if the statement had been on its way for so long.
      await pool.query(`UPDATE ${table} SET expires_at = expires_at + interval '1 minute'`);

      const [found] = await driver.read("session", [{ id: "a" }]);

      expect(found).toMatchObject({ expiresAt: 8.64e15 });
    });
  });

  describe("ids and types", () => {
    it("are legible where they can be, and may be long", async () => {
      const table = newTable("ids");
      const driver = await opened(table);
      const long = ["x".repeat(1024), "x".repeat(1025), "x".repeat(50_000), "\0".repeat(400)];
      const hash = String((await rowOf("x".repeat(1025), driver)).id);
      const ids = ["plain", "", "\\", "\0", "\ud800", "\\u0000", "\\#", hash, ...long];
      await clear(driver, "session");

      await driver.write(
        "session",
        ids.map((id) => entry(id, { json: JSON.stringify(id) })),
      );
      await driver.write("y".repeat(5000), [entry("z".repeat(5000))]);

      const found = await driver.scan?.("session", PAGE);
      expect(found?.entries.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
      for (const { id, json } of found?.entries ?? []) expect(JSON.parse(json)).toBe(id);
      expect(await count(driver, "y".repeat(5000))).toBe(1);
      expect(await count(driver, "y".repeat(4999))).toBe(0);
      expect(await rows(`SELECT type, full_id FROM ${table} WHERE id = 'plain'`)).toEqual([
        { type: "session", full_id: null },
      ]);

      async function rowOf(id: string, own: Driver) {
        await own.write("session", [entry(id)]);
        const [row] = await rows(`SELECT id FROM ${table}`);
        return Object(row) as Record<string, unknown>;
      }
    });
  });

  describe("a cleanup", () => {
    const soon = () => Date.now() + 1000;
    const passed = () => new Promise((resolve) => setTimeout(resolve, 1200));

    it("goes by steps, puts off what was touched, and looks at it once only", async () => {
      const table = newTable("steps");
      const driver = await opened(table);
      const ids = Array.from({ length: 25 }, (_, i) => `id ${i}`);
      await driver.write(
        "session",
        ids.map((id) => entry(id, { expiresAt: soon() })),
      );
      const kept = ids.slice(0, 10);
      const later = Date.now() + HOUR_MS;
      const touches = kept.map((id, i) => ({ id, expiresAt: i % 2 ? later : null }));
      expect(await driver.touch("session", touches)).toEqual(kept.map(() => true));
      await passed();

      const steps: number[] = [];
      let cursor: string | null = null;
      do {
        const step: DeletedPage | undefined = await driver.deleteExpired?.("session", {
          limit: 8,
          cursor,
        });
        steps.push(step?.deleted ?? 0);
        cursor = step?.cursor ?? null;
      } while (cursor !== null);

      expect(Math.max(...steps)).toBeLessThanOrEqual(8);
      expect(steps.reduce((sum, each) => sum + each)).toBe(15);
      expect(await count(driver, "session")).toBe(10);
      const due = `SELECT count(*)::int AS due FROM ${table} WHERE cleanup_at <= now()`;
      expect(await rows(due)).toEqual([{ due: 0 }]);
    });

    it("waits for nobody, and spares what is touched under its eyes", async () => {
      const table = newTable("locked");
      const driver = await opened(table);
      await driver.write("session", [
        entry("locked", { expiresAt: soon() }),
        entry("free", { expiresAt: soon() }),
      ]);
      await passed();
      const other = await pool.connect();
      await other.query("BEGIN");
      await other.query(
        `UPDATE ${table} SET expires_at = now() + interval '1 hour' WHERE id = 'locked'`,
      );

      const first = await driver.deleteExpired?.("session", PAGE);
      await other.query("COMMIT");
      other.release();
      const second = await driver.deleteExpired?.("session", PAGE);

      expect([first?.deleted, second?.deleted]).toEqual([1, 0]);
      expect(await driver.read("session", [{ id: "locked" }])).toMatchObject([{ id: "locked" }]);
    });

    it("goes by its index", async () => {
      const table = newTable("plan");
      const { asked, pool: spy } = spied();
      const driver = await connected(postgresDriver({ pool: spy, table }));
      asked.length = 0;
      await driver.deleteExpired?.("session", PAGE);

      for (const { text } of asked) {
        const plan = await planOf(text, ["session", 100]);
        expect(plan).toContain(`Index Scan using ${table}_cleanup`);
      }
      expect(asked.length).toBe(2);
    });
  });

  describe("a search", () => {
    it.each([
      ["a path through an array", "items.0", { items: [7] }],
      ["a number that names a property", "items.0", { items: { 0: 7 } }],
      ["a name that is the whole path", "user.id", { "user.id": 7, user: { id: 1 } }],
      ["a full stop in a name", "a.b.c", { a: { "b.c": 7 } }],
      ["quotes and commas in a path", "a\"b'c,{d}", { "a\"b'c,{d}": 7 }],
      ["a backslash in a path", "a\\b", { "a\\b": 7 }],
      ["an empty name", "a..b", { a: { "": { b: 7 } } }],
      ["a name that is not ASCII", "größe", { größe: 7 }],
      ["a name that no text of Postgres can hold", "a\0b", { "a\0b": 7 }],
      ["what is beside NUL", "a", { a: 7, b: "\0" }],
      ["what is beside half of a surrogate pair", "a", { a: 7, b: { "\udfff": "\ud800" } }],
    ])("finds %s", async (_name, path, value) => {
      const schema = { "it's \\": { indices: [path, "other"] } };
      const bank = new Databank(postgresDriver({ pool, table: newTable("search") }), { schema });
      await bank.save("it's \\", "a", value);
      await bank.save("it's \\", "b", { a: 1 });
      await bank.save("its", "c", value);

      const found = [];
      for await (const { id } of bank.search("it's \\", { [path]: 7 })) found.push(id);

      expect(found).toEqual(["a"]);
      await bank.disconnect();
    });

    it("tells types apart, and is not spoilt by values too long for an index", async () => {
      const schema = { session: { indices: ["tag"] } };
      const bank = new Databank(postgresDriver({ pool, table: newTable("types") }), { schema });
      // An index row of Postgres is compressed, and this cannot be.
      const long = randomBytes(20_000).toString("base64");
      const values = [
        1,
        "1",
        true,
        "true",
        null,
        "null",
        -0,
        { b: 2, a: 1 },
        [1, 2],
        long,
        `${long}x`,
        "\0",
      ];
      for (const [i, tag] of values.entries()) await bank.save("session", String(i), { tag });
      await bank.save("session", "none", {});
      const search = async (tag: unknown) => {
        const found: string[] = [];
        for await (const { id } of bank.search("session", { tag })) found.push(id);
        return found;
      };

      for (const [i, tag] of values.entries()) expect(await search(tag)).toEqual([String(i)]);
      expect(await search({ a: 1, b: 2 })).toEqual(["7"]);
      expect(await search(0)).toEqual([]);
      expect(await search("'; DROP TABLE x; --")).toEqual([]);
      await bank.disconnect();
    });

    it("goes by the index, page by page, and binds what it looks for", async () => {
      const { asked, pool: spy } = spied();
      const table = newTable("indexed");
      const schema = { session: { indices: ["user.id", "tag"] } };
      const driver = await connected(postgresDriver({ pool: spy, table }), schema);
      for (let i = 0; i < 10; i += 1) {
        await driver.write(
          "session",
          Array.from({ length: 200 }, (_, j) =>
            entry(`${i}-${j}`, { json: `{"user":{"id":"user ${j}"},"tag":"t"}` }),
          ),
        );
      }
      await pool.query(`ANALYZE ${table}`);
      asked.length = 0;
      const criteria = [
        { path: "user.id", json: '"user 77"' },
        { path: "tag", json: '"t"' },
      ];
      const first = await driver.search?.("session", criteria, { limit: 6, cursor: null });
      const second = await driver.search?.("session", criteria, {
        limit: 6,
        cursor: first?.cursor ?? "",
      });

      const ids = [...(first?.entries ?? []), ...(second?.entries ?? [])].map(({ id }) => id);
      expect(ids.toSorted()).toEqual(Array.from({ length: 10 }, (_, i) => `${i}-77`));
      expect(second?.cursor).toBe(null);
      const { text = "", values = [] } = asked[0] ?? {};
      expect(text).not.toContain("user 77");
      expect(await planOf(text, [...values])).toMatch(
        new RegExp(`(Index|Bitmap Index) Scan (using|on) ${table}_session_user_id`),
      );
    });
  });

  /** The ids of all pages of two. */
  async function idsOf(next: (page: Page) => Promise<EntryPage> | undefined): Promise<string[]> {
    const ids: string[] = [];
    let cursor: string | null = null;
    do {
      const page: EntryPage | undefined = await next({ limit: 2, cursor });
      ids.push(...(page?.entries.map(({ id }) => id) ?? []));
      cursor = page?.cursor ?? null;
    } while (cursor !== null);
    return ids;
  }

  /** The plan of a prepared statement on a large table. */
  async function planOf(sql: string, values: unknown[]): Promise<string> {
    const client = await pool.connect();
    try {
      await client.query(
        "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off",
      );
      const { rows: lines } = await client.query<Record<string, string>>(`EXPLAIN ${sql}`, values);
      return lines.map((line) => line["QUERY PLAN"]).join("\n");
    } finally {
      await client.query("ROLLBACK");
      client.release();
    }
  }

  describe("a connection", () => {
    it("that the server ends is replaced, idle or at work, and nobody notices", async () => {
      const own = await ownServer("postgres");
      try {
        const admin = new pg.Client(own.url);
        await admin.connect();
        const bank = Databank.open(`${own.url}?application_name=victim`);
        let isOver = false;
        let saved = 0;
        const working = Promise.all(
          Array.from({ length: 8 }, async (_, i) => {
            for (let n = 1; !isOver; n += 1) {
              await bank.save("session", String(i), n);
              await bank.touch("session", String(i), Date.now() + HOUR_MS);
              expect(await bank.read("session", String(i))).toBe(n);
              saved += 1;
            }
          }),
        );
        for (let round = 0; round < 10; round += 1) {
          const before = saved;
          await waitUntil(() => saved > before + 20);
          await admin.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'",
          );
        }
        isOver = true;
        await working;
        await bank.disconnect();
        await admin.end();
      } finally {
        await own.close();
      }
    });

    it("that cannot be made fails quickly, and later can", async () => {
      const own = await ownServer("postgres");
      try {
        await own.stop();
        const driver = postgresDriver({ url: own.url });
        await expect(driver.connect({})).rejects.toMatchObject({ code: "ECONNREFUSED" });
        await own.start();
        await driver.connect({});
        expect(await driver.write("session", [entry("a")])).toEqual(["done"]);
        await driver.disconnect();
        await driver.connect({});
        expect(await count(driver, "session")).toBe(1);
        await driver.disconnect();
      } finally {
        await own.close();
      }
    });
  });
});
