import { mkdtempSync, rmSync } from "node:fs";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, describe, expect, it, vi } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type { Driver, Schema } from "../../src/databank/driver.js";
import { refuseUnsafe } from "../../src/drivers/sqlite/engine.js";
import { sqliteDriver } from "../../src/drivers/sqlite.js";
import { count } from "../../src/testing/driver/listing.js";
import { testDriver } from "../../src/testing/index.js";
import { entry } from "../support/entry.js";
import { expectNothingLost } from "../support/killed-writers.js";
import { testServerDriver } from "../support/server-driver.js";
import { expectTypedSearch } from "../support/typed-search.js";
import { waitUntil } from "../support/wait.js";
import { openOwn, spied } from "./sqlite-database.js";

const dir = mkdtempSync(join(tmpdir(), "sqlite-test-"));
afterAll(() => rmSync(dir, { recursive: true }));

const urlOf = (name: string) => `sqlite:${join(dir, `${name}.db`)}`;

async function connected(driver: Driver, schema: Schema = {}): Promise<Driver> {
  await driver.connect(schema);
  return driver;
}

describe("in a file", () => {
  testServerDriver({
    name: "sqlite",
    url: `sqlite:${dir}`,
    place: (url, name) => `${url}/${name}/in a folder/that is missing.db`,
    driver: (url) => sqliteDriver({ url }),
  });
});

describe("in memory", () => {
  // The suite opens it several times and expects to find what it has written.
  const memory = sqliteDriver({ url: "sqlite::memory:" });
  afterAll(() => memory.disconnect());

  testDriver(
    { describe, it },
    {
      open: async (schema) => ({
        ...(await connected(memory, schema)),
        disconnect: async () => {},
      }),
    },
  );

  it("says that nothing outlives the process", () => {
    expect(memory.capabilities).toMatchObject({ durable: false, shared: false });
  });
});

describe("in a database object of one's own", () => {
  testDriver(
    { describe, it },
    {
      open: async (schema) =>
        connected(sqliteDriver({ database: await openOwn(join(dir, "own.db")) }), schema),
    },
  );

  it("closes it not, and changes none of its settings", async () => {
    const database = await openOwn(join(dir, "settings.db"));
    const settings = () =>
      ["journal_mode", "synchronous", "busy_timeout", "foreign_keys"].map((name) =>
        database.prepare(`PRAGMA ${name}`).get(),
      );
    const before = settings();

    const driver = await connected(sqliteDriver({ database }));
    await driver.write("session", [entry("a")]);
    await driver.disconnect();

    expect(settings()).toEqual(before);
    database.close();
  });

  it("stays out of a transaction that the program has begun", async () => {
    const database = await openOwn(join(dir, "transaction.db"));
    const driver = await connected(sqliteDriver({ database }));

    database.exec("BEGIN; CREATE TABLE theirs (a)");
    const written = driver.write("session", [entry("a")]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    database.exec("ROLLBACK");

    expect(await written).toEqual(["done"]);
    expect(await driver.read("session", [{ id: "a" }])).toMatchObject([{ id: "a" }]);
    database.close();
  });

  it("waits for the end of rows that the program is going through", async () => {
    const database = await openOwn(":memory:");
    const driver = await connected(sqliteDriver({ database }));
    const rows: Iterator<unknown> = Object(database.prepare("SELECT 1 UNION SELECT 2")).iterate();
    rows.next();

    const written = driver.write("session", [entry("a")]);
    // What changes is tried at the end of the turn.
    for (let turn = 0; turn < 3; turn += 1) await nextTurn();
    while (!rows.next().done);

    expect(await written).toEqual(["done"]);
    database.close();
  });

  it("knows one in memory", async () => {
    const database = await openOwn(":memory:");

    expect(sqliteDriver({ database }).capabilities).toMatchObject({
      durable: false,
      shared: false,
    });
    database.close();
  });
});

describe("what a turn of the event loop asks for", () => {
  it("shares one transaction, whatever it is and of whatever type", async () => {
    const { database, executed } = spied(await openOwn(join(dir, "turn.db")));
    const driver = await connected(sqliteDriver({ database }));
    await driver.write("a", [entry("kept"), entry("deleted")]);
    executed.length = 0;

    await Promise.all([
      ...Array.from({ length: 50 }, (_, i) => driver.write(`type ${i % 2}`, [entry(`new ${i}`)])),
      driver.touch("a", [{ id: "kept", expiresAt: null }]),
      driver.del("a", [{ id: "deleted" }]),
    ]);

    expect(executed).toEqual(["BEGIN IMMEDIATE", "COMMIT"]);
    await driver.disconnect();
    database.close();
  });

  it("is not spoilt by one that fails", async () => {
    const database = await openOwn(join(dir, "spoilt.db"));
    const driver = await connected(sqliteDriver({ database }));
    database.exec(
      `CREATE TRIGGER refuse BEFORE INSERT ON databank WHEN NEW.id = 'bad'
        BEGIN SELECT RAISE(ABORT, 'refused'); END`,
    );

    const results = await driver.write("session", [entry("a"), entry("bad"), entry("b")]);

    expect(results).toEqual(["done", expect.any(Error), "done"]);
    expect(await driver.read("session", [{ id: "a" }, { id: "bad" }, { id: "b" }])).toMatchObject([
      { id: "a" },
      null,
      { id: "b" },
    ]);
    database.close();
  });
});

describe("a lock that another program holds", () => {
  it("makes writes wait, and neither reads nor the event loop", async () => {
    const other = await openOwn(join(dir, "lock.db"));
    const driver = await connected(sqliteDriver({ url: urlOf("lock") }));
    await driver.write("session", [entry("a")]);
    other.exec("BEGIN IMMEDIATE");

    const written = Promise.resolve(driver.write("session", [entry("b")]));
    let turns = 0;
    const ticking = setInterval(() => {
      turns += 1;
    }, 1);
    const read = await driver.read("session", [{ id: "a" }]);
    await waitUntil(() => turns >= 20);
    clearInterval(ticking);
    const isWaiting = await Promise.race([written.then(() => false), Promise.resolve(true)]);
    other.exec("COMMIT");

    expect(read).toMatchObject([{ id: "a" }]);
    expect(isWaiting).toBe(true);
    expect(await written).toEqual(["done"]);
    await driver.disconnect();
    other.close();
  });

  it("makes reads wait where it keeps readers out", async () => {
    const [database, other] = await Promise.all([
      openOwn(join(dir, "exclusive.db")),
      openOwn(join(dir, "exclusive.db")),
    ]);
    database.exec("PRAGMA busy_timeout = 0");
    const driver = await connected(sqliteDriver({ database }));
    await driver.write("session", [entry("a")]);
    other.exec("BEGIN EXCLUSIVE");

    const read = driver.read("session", [{ id: "a" }]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    other.exec("COMMIT");

    expect(await read).toMatchObject([{ id: "a" }]);
    other.close();
    database.close();
  });

  it("fails what has waited for ten seconds, which has then not happened", async () => {
    const other = await openOwn(join(dir, "stuck.db"));
    const driver = await connected(sqliteDriver({ url: urlOf("stuck") }));
    other.exec("BEGIN IMMEDIATE");

    const written = driver.write("session", [entry("a")]);

    await expect(written).rejects.toMatchObject({ code: "DATABANK_TIMEOUT" });
    other.exec("COMMIT");
    expect(await driver.read("session", [{ id: "a" }])).toEqual([null]);
    expect(await driver.write("session", [entry("a")])).toEqual(["done"]);
    await driver.disconnect();
    other.close();
  });

  it("delays a connection that has tables to make", async () => {
    const other = await openOwn(join(dir, "late.db"));
    other.exec("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE");

    const connecting = connected(sqliteDriver({ url: urlOf("late") }));
    await new Promise((resolve) => setTimeout(resolve, 100));
    other.exec("COMMIT");

    const driver = await connecting;
    expect(await count(driver, "session")).toBe(0);
    await driver.disconnect();
    other.close();
  });
});

describe("processes", () => {
  it("lose nothing that was acknowledged when they are killed", async () => {
    await expectNothingLost(urlOf("killed"), 10, 100);
  });
});

describe("a search", () => {
  it("tells types apart, and finds objects whatever the order of their keys", async () => {
    await expectTypedSearch(sqliteDriver({ url: urlOf("search") }));
  });

  it.each([
    ["a path through an array", "items.0", { items: [7] }],
    ["a number that names a property", "items.0", { items: { 0: 7 } }],
    ["a path that begins with a number", "0.id", [{ id: 7 }]],
    ["a full stop in a name", "a.b.c", { a: { "b.c": 7 } }],
    ["quotes in a path", "a\"b'c", { "a\"b'c": 7 }],
    ["an empty name", "a..b", { a: { "": { b: 7 } } }],
    ["a name that is not ASCII", "größe", { größe: 7 }],
    ["what means something in paths of SQLite", "$[0]", { "$[0]": 7 }],
  ])("finds %s", async (_name, path, value) => {
    const bank = new Databank(sqliteDriver({ url: "sqlite::memory:" }), {
      schema: { "it's": { indices: [path] } },
    });
    await bank.save("it's", "a", value);
    await bank.save("it's", "b", { a: 1 });

    const found = [];
    for await (const { id } of bank.search("it's", { [path]: 7 })) found.push(id);

    expect(found).toEqual(["a"]);
    await bank.disconnect();
  });

  it("goes by the index", async () => {
    const { database, prepared } = spied(await openOwn(join(dir, "plan.db")));
    const driver = await connected(sqliteDriver({ database }), {
      session: { indices: ["user.id"] },
    });

    prepared.length = 0;
    const criteria = [{ path: "user.id", json: "7" }];
    await driver.search?.("session", criteria, { limit: 10, cursor: null });

    const [sql] = prepared;
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all("7", "", 10);
    expect(JSON.stringify(plan)).toContain("USING INDEX databank_session_user_id");
    database.close();
  });

  it("goes by the index of its own table, however alike the names of tables are", async () => {
    const database = await openOwn(":memory:");
    const long = "x".repeat(70);
    for (const table of ["my-table", "my table", `${long}a`, `${long}b`]) {
      await connected(sqliteDriver({ database, table }), { session: { indices: ["tag"] } });
      const indexes = database.prepare("SELECT name FROM pragma_index_list(?)").all(table);

      // Of the key, of the deadlines and of the tags.
      expect(indexes.length).toBe(3);
    }
    database.close();
  });

  it("forgets statements of which there are too many", async () => {
    const types = Array.from({ length: 250 }, (_, i) => `type ${i}`);
    const schema = Object.fromEntries(types.map((type) => [type, { indices: ["tag"] }]));
    const driver = await connected(sqliteDriver({ url: "sqlite::memory:" }), schema);

    for (const type of [...types, ...types]) {
      const page = { limit: 10, cursor: null };
      const found = await driver.search?.(type, [{ path: "tag", json: "1" }], page);
      expect(found).toEqual({ entries: [], cursor: null });
    }
    await driver.disconnect();
  });

  it("survives a value that somebody has damaged", async () => {
    const database = await openOwn(join(dir, "damaged.db"));
    const first = await connected(sqliteDriver({ database }));
    await first.write("session", [entry("a", { json: '{"tag":1}' }), entry("b")]);
    database.exec("UPDATE databank SET value = '{damaged' WHERE id = 'b'");

    const second = await connected(sqliteDriver({ database }), { session: { indices: ["tag"] } });

    const page = { limit: 10, cursor: null };
    const found = await second.search?.("session", [{ path: "tag", json: "1" }], page);
    expect(found?.entries.map(({ id }) => id)).toEqual(["a"]);
    expect((await second.scan?.("session", page))?.entries.length).toBe(2);
    database.close();
  });
});

describe("a full disk", () => {
  it("fails a write without room, and neither its neighbours nor those that come later", async () => {
    const database = await openOwn(join(dir, "full.db"));
    const driver = await connected(sqliteDriver({ database }));
    const json = JSON.stringify("x".repeat(100_000));
    await driver.write("session", [entry("before")]);
    database.exec("PRAGMA max_page_count = 20");

    const results = await Promise.allSettled([
      driver.write("session", [entry("small")]),
      driver.write("session", [entry("large", { json })]),
      driver.touch("session", [{ id: "before", expiresAt: null }]),
    ]);

    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await count(driver, "session")).toBe(2);
    database.exec("PRAGMA max_page_count = 1000");
    expect(await driver.write("session", [entry("large", { json })])).toEqual(["done"]);
    expect(await count(driver, "session")).toBe(3);
    database.close();
  });
});

describe("a connection", () => {
  it("can be tried again after one that failed", async () => {
    const blocked = join(dir, "blocked");
    const database = await openOwn(blocked);
    database.exec("CREATE TABLE t (a)");
    database.close();
    const driver = sqliteDriver({ url: `sqlite:${blocked}/a.db` });

    await expect(driver.connect({})).rejects.toThrow();
    await rm(blocked);
    await driver.connect({});

    expect(await driver.write("session", [entry("a")])).toEqual(["done"]);
    await driver.disconnect();
  });

  it("refuses a file that is no database, and leaves it alone", async () => {
    const path = join(dir, "letter.txt");
    const letter = "Dear Ann, ".repeat(1000);
    await writeFile(path, letter);

    await expect(sqliteDriver({ url: `sqlite:${path}` }).connect({})).rejects.toThrow();

    expect(await readFile(path, "utf8")).toBe(letter);
  });

  it("refuses a table of somebody else, and leaves it alone", async () => {
    const database = await openOwn(":memory:");
    database.exec("CREATE TABLE sessions (sid TEXT PRIMARY KEY, sess TEXT, expired INTEGER)");

    const driver = sqliteDriver({ database, table: "sessions" });
    await expect(driver.connect({})).rejects.toMatchObject({
      code: "DATABANK_INVALID_OPTION",
      message: expect.stringContaining("choose another name with the option table"),
    });

    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE sql IS NOT NULL").all();
    expect(tables).toMatchObject([{ name: "sessions" }]);
    database.close();
  });

  it("ends when what is under way is done", async () => {
    const other = await openOwn(join(dir, "end.db"));
    const driver = await connected(sqliteDriver({ url: urlOf("end") }));
    other.exec("BEGIN IMMEDIATE");

    const written = driver.write("session", [entry("a")]);
    const disconnected = driver.disconnect();
    other.exec("COMMIT");

    await disconnected;
    expect(await written).toEqual(["done"]);
    expect(() => driver.read("session", [{ id: "a" }])).toThrow(
      expect.objectContaining({ code: "DATABANK_NOT_CONNECTED" }),
    );
    other.close();
  });

  it("creates a file that its owner alone can read", async () => {
    const driver = await connected(sqliteDriver({ url: urlOf("mode") }));
    await driver.write("session", [entry("a")]);

    for (const suffix of ["", "-wal", "-shm"]) {
      const { mode } = await stat(join(dir, `mode.db${suffix}`));
      expect(mode & 0o777).toBe(0o600);
    }
    await driver.disconnect();
  });

  it("waits for the disk with each write, unless that is not wanted", async () => {
    const probe = await openOwn(":memory:");
    const executed = vi.spyOn(Object.getPrototypeOf(probe), "exec");
    for (const query of ["", "?durable=true", "?durable=false"]) {
      const driver = await connected(sqliteDriver({ url: `${urlOf("durable")}${query}` }));
      await driver.disconnect();
    }

    const statements = executed.mock.calls.map(([sql]) => `${sql}`);
    executed.mockRestore();
    probe.close();
    expect(statements.filter((sql) => sql.includes("synchronous"))).toEqual([
      "PRAGMA synchronous = FULL",
      "PRAGMA synchronous = FULL",
      "PRAGMA synchronous = NORMAL",
    ]);
  });

  it("takes options from its URL", async () => {
    const path = join(dir, "a b.db");
    const driver = await connected(
      sqliteDriver({ url: `sqlite://${path.replace(" ", "%20")}?durable=false&table=my+"table"` }),
    );
    await driver.write("session", [entry("a")]);

    const database = await openOwn(path);
    expect(database.prepare('SELECT count(*) AS n FROM "my ""table"""').get()).toMatchObject({
      n: 1,
    });
    database.close();
    await driver.disconnect();
  });

  it.each([
    [{ url: "sqlite:" }, "must name a file"],
    [{ url: "sqlite:a.db", durabel: true }, "did you mean durable"],
    [{ url: "sqlite:a.db?durabel=true" }, "did you mean durable"],
    [{ url: "sqlite:a.db", durable: 1 }, "durable must be true or false"],
    [{ url: "sqlite:a.db", table: "" }, "table must be a text"],
    [{ database: {} }, "must be an open database"],
    [{ database: {}, durable: true }, "has no option durable"],
    [{}, "url must be a text"],
  ])("refuses the options %j", (options, message) => {
    const given: unknown = options;
    expect(() => sqliteDriver(given as Parameters<typeof sqliteDriver>[0])).toThrow(message);
  });

  it("refuses a better-sqlite3 that would end Node 20", () => {
    expect(() => refuseUnsafe("13.2.0", 20)).toThrow('npm install "better-sqlite3@^12"');
    expect(() => refuseUnsafe("12.11.1", 20)).not.toThrow();
    expect(() => refuseUnsafe("13.2.0", 22)).not.toThrow();
    expect(() => refuseUnsafe(undefined, 20)).not.toThrow();
  });
});
