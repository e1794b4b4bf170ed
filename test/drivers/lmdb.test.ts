import { execFile, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type FileHandle, mkdir, open as openFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { open } from "lmdb";
import { afterAll, describe, expect, it, vi } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type { Driver, Schema } from "../../src/databank/driver.js";
import { openFolder } from "../../src/drivers/lmdb/environment.js";
import { Transactions } from "../../src/drivers/lmdb/transactions.js";
import { type LmdbDatabase, type LmdbOptions, lmdbDriver } from "../../src/drivers/lmdb.js";
import { clear, count } from "../../src/testing/driver/listing.js";
import { testDriver } from "../../src/testing/index.js";
import { entry } from "../support/entry.js";
import { expectNothingLost } from "../support/killed-writers.js";
import { testServerDriver } from "../support/server-driver.js";
import { openOwn, Raw } from "./lmdb-database.js";

// What it does with a file cannot be seen from outside: lmdb itself is asked, and by whom is seen.
vi.mock("lmdb", async (load) => {
  const lmdb = await load<typeof import("lmdb")>();
  return { ...lmdb, open: vi.fn(lmdb.open) };
});

const SCRIPT = join(__dirname, "lmdb-process.mjs");

const dir = mkdtempSync(join(tmpdir(), "lmdb-test-"));
afterAll(() => rmSync(dir, { recursive: true }));

const urlOf = (name: string) => `lmdb:${join(dir, name)}`;

async function connected(options: LmdbOptions, schema: Schema = {}): Promise<Driver> {
  const driver = lmdbDriver(options);
  await driver.connect(schema);
  return driver;
}

describe("in a folder", () => {
  testServerDriver({
    name: "lmdb",
    url: `lmdb:${dir}`,
    place: (url, name) => `${url}/${name}`,
    driver: (url) => lmdbDriver({ url }),
  });
});

describe("in a database object of one's own", () => {
  const database = openOwn(join(dir, "own"));
  afterAll(() => database.close());

  testDriver({ describe, it }, { open: (schema) => connected({ database }, schema) });

  it("closes it not, and leaves what else is in it alone", async () => {
    await database.put("theirs", { n: 1 });
    const driver = await connected({ database, name: "beside" });
    await driver.write("session", [entry("a")]);
    await clear(driver, "session");
    await driver.disconnect();

    expect(database.get("theirs")).toEqual({ n: 1 });
    await database.put("theirs", { n: 2 });
    expect(database.get("theirs")).toEqual({ n: 2 });
  });

  it("keeps databases of different names apart", async () => {
    const [one, other] = await Promise.all([
      connected({ database, name: "one" }),
      connected({ database, name: "other" }),
    ]);

    await one.write("session", [entry("a")]);

    expect(await other.read("session", [{ id: "a" }])).toEqual([null]);
    expect(await count(one, "session")).toBe(1);
  });
});

describe("a transaction", () => {
  it("is undone where one of its changes fails, which then fails alone", async () => {
    const database = openOwn(join(dir, "undone"));
    const openDB = database.openDB.bind(database);
    Object.assign(database, {
      openDB(options: { name: string }) {
        const opened = openDB(options);
        const put = opened.put.bind(opened);
        const refuse = (key: string, value: string) => {
          if (options.name === "databank" && key.endsWith("bad")) throw new Error("refused");
          return put(key, value);
        };
        return Object.assign(opened, { put: refuse });
      },
    });
    const driver = await connected({ database });
    const bank = new Databank(driver);

    await expect(driver.write("session", [entry("a"), entry("bad")])).rejects.toThrow("refused");
    const after = await driver.read("session", [{ id: "a" }, { id: "bad" }]);
    const results = await Promise.allSettled(
      ["a", "bad", "b"].map((id) => bank.create("session", id, {})),
    );

    expect(after).toEqual([null, null]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await driver.read("session", [{ id: "bad" }])).toEqual([null]);
    expect(await count(driver, "session")).toBe(2);
    await database.close();
  });
});

describe("after a commit that failed", () => {
  it("everything runs alone until what had failed is done", async () => {
    const running: number[] = [];
    const ends: ((error?: Error) => void)[] = [];
    const root: LmdbDatabase = {
      openDB: () => ({}),
      resetReadTxn: () => {},
      committed: Promise.resolve(),
      close: async () => {},
      childTransaction: (work) =>
        new Promise((resolve, reject) => {
          const result = work();
          ends.push((error) => (error ? reject(error) : resolve(result)));
        }),
    };
    const failed = Object.assign(new Error("Commit failed"), {
      commitError: Promise.reject(new Error("No room")),
    });
    const transactions = new Transactions(root, false);
    const run = (n: number) => transactions.run(() => running.push(n)).catch(String);
    const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

    const first = [run(1), run(2)];
    for (const end of ends.splice(0)) end(failed);
    await turn();
    const third = run(3);
    await turn();
    const one = [...running];
    ends.shift()?.(failed);
    await turn();
    const two = [...running];
    ends.shift()?.();
    await turn();
    ends.shift()?.();
    await transactions.idle();

    expect(one).toEqual([1, 2, 1]);
    expect(two).toEqual([1, 2, 1, 2]);
    expect(running).toEqual([1, 2, 1, 2, 3]);
    expect(await Promise.all([...first, third])).toEqual(["Error: No room", 4, 5]);
  });
});

describe("other processes", () => {
  it("are seen at once, even by a read in the same turn as one before", async () => {
    const driver = await connected({ url: urlOf("fresh") });
    await driver.write("session", [entry("a")]);
    const other = openOwn(join(dir, "fresh"));
    const metas = new Raw(other, "databank-meta");

    const before = driver.read("session", [{ id: "a" }]);
    metas.remove("session|a");
    const after = driver.read("session", [{ id: "a" }]);

    expect(await before).toMatchObject([{ id: "a" }]);
    expect(await after).toEqual([null]);
    await other.close();
    await driver.disconnect();
  });

  it("may keep writers waiting, and neither readers nor the event loop; killed, they do not", async () => {
    const driver = await connected({ url: urlOf("held") });
    await driver.write("session", [entry("a")]);
    const holder = spawn(process.execPath, [SCRIPT, "hold", join(dir, "held")]);
    await once(holder.stdout, "data");

    let isWritten = false;
    const written = Promise.resolve(driver.write("session", [entry("b")])).finally(() => {
      isWritten = true;
    });
    const read = await driver.read("session", [{ id: "a" }]);
    for (let turn = 0; turn < 100; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const wasWritten = isWritten;
    holder.kill("SIGKILL");

    expect(read).toMatchObject([{ id: "a" }]);
    expect(wasWritten).toBe(false);
    expect(await written).toEqual(["done"]);
    await driver.disconnect();
  });

  it("cannot keep a connection from ending", async () => {
    const driver = await connected({ url: urlOf("stopped") });
    const holder = spawn(process.execPath, [SCRIPT, "hold", join(dir, "stopped")]);
    await once(holder.stdout, "data");

    const written = driver.write("session", [entry("a")]);
    await driver.disconnect();
    holder.kill("SIGKILL");

    expect(await written).toEqual(["done"]);
  });

  it("may let the file grow far beyond what was mapped", async () => {
    const driver = await connected({ url: urlOf("grown") });
    await driver.write("t", [entry("a")]);
    const script = join(__dirname, "../support/writer-process.mjs");
    const child = fork(script, [urlOf("grown"), "t", "b"]);
    const json = JSON.stringify("x".repeat(1_000_000));
    for (let i = 0; i < 20; i += 1) await driver.write("t", [entry(`large ${i}`, { json })]);
    const [id] = await once(child, "message");
    child.kill("SIGKILL");
    await once(child, "close");

    const found = await driver.read("t", [{ id: "a" }, { id: "large 19" }, { id: `${id}` }]);

    expect(found).toMatchObject([{ json: "{}" }, { json }, { id }]);
    await driver.disconnect();
  });

  it("lose nothing that was acknowledged when they are killed", async () => {
    await expectNothingLost(urlOf("killed"), 10, 100);
  });
});

describe("a full disk", () => {
  // Where files may grow no further the system answers as where there is no room.
  const limited = (task: string, path: string) =>
    promisify(execFile)("bash", [
      "-c",
      `ulimit -f 2000 && exec "$0" "$@"`,
      process.execPath,
      SCRIPT,
      task,
      path,
    ]);

  it.each(["fill", "fillOwn"])(
    "fails a write without room, and nothing else (%s)",
    async (task) => {
      const { stdout } = await limited(task, join(dir, task));

      expect(JSON.parse(stdout)).toEqual([
        ["rejected", "fulfilled", true],
        ["fulfilled", "fulfilled", true],
        ["rejected", "fulfilled", true],
      ]);
    },
  );
});

describe("a connection", () => {
  it("can be tried again after one that failed", async () => {
    const blocked = join(dir, "blocked");
    await writeFile(blocked, "");
    const driver = lmdbDriver({ url: `lmdb:${blocked}` });

    await expect(driver.connect({})).rejects.toThrow();
    await rm(blocked);
    await driver.connect({});

    expect(await driver.write("session", [entry("a")])).toEqual(["done"]);
    await driver.disconnect();
  });

  it("refuses a folder in which something else has the file's name", async () => {
    await mkdir(join(dir, "strange", "data.mdb"), { recursive: true });

    await expect(lmdbDriver({ url: urlOf("strange") }).connect({})).rejects.toThrow();
  });

  it("refuses a file that is no database", async () => {
    await mkdir(join(dir, "letter"));
    await writeFile(join(dir, "letter", "data.mdb"), "Dear Ann, ".repeat(1000));

    await expect(lmdbDriver({ url: urlOf("letter") }).connect({})).rejects.toThrow();
  });

  it("ends when what is under way is done, and others of the process go on", async () => {
    const [driver, other] = await Promise.all([
      connected({ url: urlOf("end") }),
      connected({ url: urlOf("end") }),
    ]);

    const written = driver.write("session", [entry("a")]);
    await driver.disconnect();

    expect(await written).toEqual(["done"]);
    expect(() => driver.read("session", [{ id: "a" }])).toThrow(
      expect.objectContaining({ code: "DATABANK_NOT_CONNECTED" }),
    );
    expect(await other.read("session", [{ id: "a" }])).toMatchObject([{ id: "a" }]);
    expect(await other.write("session", [entry("b")])).toEqual(["done"]);
    const closing = other.disconnect();
    await driver.connect({});
    await closing;
    expect(await count(driver, "session")).toBe(2);
    await driver.disconnect();
  });

  it("that is given up a second time leaves that of another as it is", async () => {
    const settings = { path: join(dir, "twice"), durable: true, mode: 0o600 };
    const first = await openFolder(settings);
    await first.release();
    const second = await openFolder(settings);
    await Promise.allSettled([first.release()]);
    const third = await openFolder(settings);

    expect(third.root).toBe(second.root);
    for (const { release } of [second, third]) await release();
  });

  it("creates files that their owner alone can read, in folders that were missing", async () => {
    const driver = await connected({ url: urlOf("some/where/new") });

    for (const name of ["data.mdb", "lock.mdb"]) {
      const { mode } = await stat(join(dir, "some/where/new", name));
      expect(mode & 0o777).toBe(0o600);
    }
    await driver.disconnect();
  });

  it("waits for the disk with each write, unless that is not wanted", async () => {
    const asked = vi.mocked(open);
    asked.mockClear();
    for (const query of ["", "?durable=true", "?durable=false"]) {
      const driver = await connected({ url: `${urlOf(`durable${query.length}`)}${query}` });
      await driver.disconnect();
    }

    const settings = asked.mock.calls.map(([options]) => options);
    expect(settings).toMatchObject([
      { noSync: false, overlappingSync: false },
      { noSync: false, overlappingSync: false },
      { noSync: true },
    ]);
  });

  it("puts the names of folders that were missing on the disk, too", async () => {
    const probe = await openFile(dir);
    const synced = vi.spyOn(Object.getPrototypeOf(probe) as FileHandle, "sync");
    await probe.close();
    const count = async (url: string) => {
      synced.mockClear();
      const driver = await connected({ url });
      await driver.disconnect();
      return synced.mock.calls.length;
    };

    // Those three, and the one that has the name of the first.
    expect(await count(urlOf("names/of/folders"))).toBe(4);
    expect(await count(`${urlOf("no/such/names")}?durable=false`)).toBe(0);
    synced.mockRestore();
  });

  it("takes options from its URL", async () => {
    const path = join(dir, "a b");
    const url = `lmdb://${path.replace(" ", "%20")}?durable=false&mode=0o640&name=mine`;
    const driver = await connected({ url });
    await driver.write("session", [entry("a")]);

    expect((await stat(join(path, "data.mdb"))).mode & 0o777).toBe(0o640);
    await expect(lmdbDriver({ url: `lmdb:${path}` }).connect({})).rejects.toMatchObject({
      code: "DATABANK_INVALID_OPTION",
    });
    await driver.disconnect();
    const database = openOwn(path);
    const own = await connected({ database, name: "mine" });
    expect(await count(own, "session")).toBe(1);
    await database.close();
  });

  it.each([
    [{ url: "lmdb:" }, "must name a folder"],
    [{ url: "lmdb:a", durabel: true }, "did you mean durable"],
    [{ url: "lmdb:a?durabel=true" }, "did you mean durable"],
    [{ url: "lmdb:a", durable: 1 }, "durable must be true or false"],
    [{ url: "lmdb:a", mode: 7 }, "mode must be a whole number"],
    [{ url: "lmdb:a", name: "" }, "name must be a text"],
    [{ database: {} }, "must be what open() of the package lmdb returned"],
    [{ database: null }, "must be what open() of the package lmdb returned"],
    [{ database: {}, durable: true }, "has no option durable"],
    [{}, "url must be a text"],
  ])("refuses the options %j", (options, message) => {
    const given: unknown = options;
    expect(() => lmdbDriver(given as LmdbOptions)).toThrow(message);
  });
});
