import { execFileSync } from "node:child_process";
import { promises as dns } from "node:dns";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { Long, MongoClient, MongoServerError, MongoWriteConcernError } from "mongodb";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { StoredEntry, Write, WriteResult } from "../../src/databank/driver.js";
import { nextVersion } from "../../src/databank/version.js";
import { Databank } from "../../src/databank-module.js";
import { mongodbDriver } from "../../src/drivers/mongodb.js";
import { DatabankStore } from "../../src/store/store-class.js";
import { count } from "../../src/testing/driver/listing.js";
import { entry, HOUR_MS } from "../support/entry.js";
import { describeServer } from "../support/servers.js";
import { altered, databaseAt } from "./mongodb-database.js";

const changed = (write: Write, more: Partial<Write> = {}): Write => ({
  ...write,
  if: write.version,
  version: nextVersion(write.version),
  ...more,
});

const entries = (count: number, more: Partial<Write> = {}) =>
  Array.from({ length: count }, (_, i) => entry(`id ${i}`, more));

describe("options", () => {
  it.each([
    [{ url: "mongodb://h", ttlindex: true }, "did you mean ttlIndex?"],
    [{ url: "mongodb://h?ttlIndex=maybe" }, "ttlIndex must be true or false"],
    [{ url: "mongodb://h", database: "" }, "database must be a text that is not empty"],
    [{ url: "mongodb://h", clientOptions: 7 }, "clientOptions must be an object"],
    [{}, "url must be a text"],
    [{ client: {} }, "client must be an object of the package mongodb"],
    [{ db: { collection() {} } }, "db must be an object of the package mongodb"],
    [{ db: {}, database: "app" }, "has no option database"],
    [{ host: "h", ports: 1 }, "did you mean port?"],
    [{ host: "h/x" }, "host must be the name of a server"],
    [{ host: "h", port: 0 }, "port must be a whole number"],
    [{ hosts: "h" }, "hosts must be an array"],
    [{ hosts: [] }, "hosts must be an array"],
    [{ host: "h", dbname: 7 }, "dbname must be a text"],
    ["mongodb://h", "must be an object"],
    [null, "must be an object"],
  ])("%j are refused with advice", (options, advice) => {
    expect(() => mongodbDriver(options as never)).toThrow(
      expect.objectContaining({
        code: "DATABANK_INVALID_OPTION",
        message: expect.stringContaining(advice),
      }),
    );
  });

  it.each(["mongodb://h/?wtimeoutMS=5000", "mongodb://h/?w=majority&wTimeoutMs=5000"])(
    "may have what only looks like an option of ours: %s",
    (url) => {
      expect(() => mongodbDriver({ url })).not.toThrow();
      expect(() => Databank.open(url)).not.toThrow();
    },
  );

  it.each([
    ["mongodb://me:secret@h:port/db", undefined],
    ["mongodb://me:secret@h/db?maxPoolSizes=7", "option maxpoolsizes is not supported"],
    ["mongodb://me:se@cret@h/db", undefined],
    ["mongodb://me:secret@h/db?w=0", "w must be 1 or more"],
  ])("that the client refuses (%s) show no password", async (url, advice) => {
    const error: unknown = await mongodbDriver({ url })
      .connect({})
      .catch((reason: unknown) => reason);

    expect(error).toMatchObject({ code: "DATABANK_INVALID_OPTION", cause: undefined });
    expect(String(error)).not.toMatch(/secret|cret@/);
    if (advice) expect(String(error)).toContain(advice);
  });

  it("may be of servers that a name service knows", async () => {
    const resolve = vi.spyOn(dns, "resolve").mockRejectedValue(new Error("no such name"));
    onTestFinished(() => resolve.mockRestore());

    const connecting = mongodbDriver({ url: "mongodb+srv://cluster.example.test/app" }).connect({});

    await expect(connecting).rejects.toThrow("no such name");
    expect(resolve).toHaveBeenCalledWith("_mongodb._tcp.cluster.example.test", "SRV");
  });

  it("name the command that installs the client where it is missing", () => {
    // Away from the folders in which Node would find it.
    const folder = mkdtempSync(join(tmpdir(), "mongodb-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    cpSync(join(__dirname, "../../dist"), folder, { recursive: true });
    const code = `require("./drivers/mongodb.js").mongodbDriver({ url: "mongodb://h" }).connect({})
      .catch(({ code, message }) => console.log(code, message))`;

    const output = execFileSync(process.execPath, ["-e", code], { cwd: folder, encoding: "utf8" });

    expect(output).toContain("DATABANK_DRIVER_NOT_INSTALLED");
    expect(output).toContain('npm install "mongodb@^7"');
  });

  it("unless they say so, wait four seconds for a server, and leave nothing behind", () => {
    const code = `require("./dist/drivers/mongodb.js").mongodbDriver({ url: "mongodb://127.0.0.1:1" })
      .connect({}).catch(({ name }) => console.log(name))`;

    const options = { cwd: join(__dirname, "../.."), encoding: "utf8", timeout: 20_000 } as const;
    const output = execFileSync(process.execPath, ["-e", code], options);

    expect(output).toBe("MongoServerSelectionError\n");
  });

  it("fail in time where there is no server, and say why", async () => {
    const driver = mongodbDriver({ url: "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200" });

    const error: unknown = await driver.connect({}).catch((reason: unknown) => reason);

    expect(error).toMatchObject({ name: "MongoServerSelectionError" });
    expect(driver.retry?.(error)).toBe("never");
  });
});

describeServer("MONGODB_URL", (url) => {
  const { client, db, url: own, collection, connected, commandsOf } = databaseAt(url);

  describe("a connection", () => {
    it("is made from a URL with options of the driver, of the databank and of the client", async () => {
      const bank = Databank.open(`${own}?ttlIndex=false&timeoutMs=9000&appName=mine`);

      await bank.save("from-url", "a", 1);
      await bank.disconnect();

      expect(await collection("from-url").findOne()).toMatchObject({ _id: "a", value: 1 });
      const indexes = await collection("from-url").indexes();
      expect(indexes.map(({ key }) => key)).toContainEqual({ expiresAt: 1 });
      expect(indexes.some((index) => "expireAfterSeconds" in index)).toBe(false);
    });

    it("is made from the options of version 1", async () => {
      const { hostname, port, pathname } = new URL(own);
      const bank = Databank.get("mongodb", {
        host: hostname,
        port: Number(port),
        dbname: pathname.slice(1),
        schema: { "of-old": { pkey: "sid" } },
      });

      await bank.connect({});
      await bank.create("of-old", "a", { sid: "a" });
      await bank.disconnect();

      expect(await collection("of-old").findOne()).toMatchObject({ _id: "a" });
    });

    it.each([
      [{ promoteValues: false, promoteBuffers: true }],
      [{ useBigInt64: true }],
      [{ promoteLongs: false }],
      [{ raw: true }],
    ])(
      "to a database of the program's is left open, whatever its client does (%o)",
      async (options) => {
        const odd = new MongoClient(url, options);
        onTestFinished(() => odd.close());
        const driver = await connected({ client: odd, database: db.databaseName });
        // A field with the name of something that every object has is none of the client's options.
        const json = '{"a":1,"b":[1.5,12345678901,"\\ud800"],"constructor":[{"a":1}]}';
        await collection("odd").deleteMany({});
        await collection("odd").insertOne({ _id: "by hand", n: Long.fromNumber(12) });

        await driver.write("odd", [entry("a", { json })]);
        const found = await driver.read("odd", [{ id: "a" }, { id: "by hand" }]);
        await driver.disconnect();

        expect(found).toMatchObject([{ json }, { json: '{"n":12}' }]);
        expect(await odd.db(db.databaseName).command({ ping: 1 })).toHaveProperty("ok");
      },
    );

    it("reads from the primary, and writes as the program's database says", async () => {
      const careful = client.db(db.databaseName, {
        readPreference: "secondary",
        writeConcern: { w: 1, journal: true },
      });
      const collections: { readonly readPreference?: { readonly mode: string } }[] = [];
      const findOne = (original: (...given: unknown[]) => unknown, ...given: unknown[]) =>
        original(...given);
      const started: Record<string, unknown>[] = [];
      client.on("commandStarted", ({ command }) => started.push(command));
      const driver = await connected({ db: altered(careful, { findOne }, collections) });

      await driver.write("careful", [entry("a")]);

      expect(started.find(({ update }) => update === "careful")?.writeConcern).toEqual({
        w: 1,
        j: true,
      });
      expect(collections.map(({ readPreference }) => readPreference?.mode)).toEqual(["primary"]);
    });

    it("that loses its server fails every call in time and comes back", async () => {
      const driver = await connected({ url: own });
      const bank = new Databank(driver);
      await bank.save("back", "a", 1);

      await driver.disconnect();
      await expect(driver.read("back", [{ id: "a" }])).rejects.toMatchObject({
        code: "DATABANK_NOT_CONNECTED",
      });
      await driver.connect({});

      expect(await driver.read("back", [{ id: "a" }])).toMatchObject([{ json: "1" }]);
    });
  });

  describe("indexes", () => {
    it("let the server delete what expired an hour ago", async () => {
      const driver = await connected();

      await driver.write("ttl", [entry("a")]);

      const index = (await collection("ttl").indexes()).find(({ key }) => "expiresAt" in key);
      expect(index).toMatchObject({ key: { expiresAt: 1 }, expireAfterSeconds: 3600 });
    });

    it("are made once, before the first write, and for the types of the schema at once", async () => {
      const driver = await connected();
      const schema = { "made-first": {}, "made-second": { indices: ["tag"] } };
      const atStart = await commandsOf(() => connected({ db }, schema));

      const atFirst = await commandsOf(() => driver.write("made-third", [entry("a")]));
      const atSecond = await commandsOf(() => driver.write("made-third", [entry("b")]));

      expect(atStart).toEqual(["ping", "createIndexes", "createIndexes"]);
      expect(atFirst).toEqual(["createIndexes", "update"]);
      expect(atSecond).toEqual(["update"]);
    });

    it("are not made where the program does so itself", async () => {
      const driver = await connected({ db, createIndexes: false }, { own: { indices: ["tag"] } });

      const commands = await commandsOf(() => driver.write("own", [entry("a")]));

      expect(commands).toEqual(["update"]);
    });

    it.each([85, 86])("that are there already with other options stay (%i)", async (code) => {
      const made: unknown[] = [];
      const createIndexes = async (_original: unknown, indexes: unknown) => {
        made.push(indexes);
        if (JSON.stringify(indexes).includes("expireAfter"))
          throw Object.assign(new Error("there already"), { code });
      };

      await connected({ db: altered(db, { createIndexes }) }, { there: { indices: ["tag"] } });

      expect(made.slice(1)).toHaveLength(3);
      expect(made.slice(2)).toEqual([
        [expect.objectContaining({ key: { "value.tag": 1, _id: 1 } })],
        [expect.objectContaining({ key: { tag: 1, _id: 1 } })],
      ]);
    });

    it("that cannot be made fail the write, and are tried again", async () => {
      let isBroken = true;
      const createIndexes = (original: (...given: unknown[]) => unknown, ...given: unknown[]) => {
        if (isBroken) throw Object.assign(new Error("not allowed"), { code: 13 });
        return original(...given);
      };
      const driver = await connected({ db: altered(db, { createIndexes }) });

      await expect(driver.write("tried", [entry("a")])).rejects.toThrow("not allowed");
      isBroken = false;

      expect(await driver.write("tried", [entry("a")])).toEqual(["done"]);
    });
  });

  describe("round trips", () => {
    it("are one for a batch of anything that succeeds", async () => {
      const driver = await connected();
      const [created, saved] = [entries(50, { if: "absent" }), entries(50)];
      await driver.write("trips", [entry("warm"), entry("warm too", { if: "absent" })]);
      await driver.write("trips", [entry("warm", { if: "present" }), entry("warm too")]);
      const expiresAt = Date.now() + 2 * HOUR_MS;
      const updated = saved.map((each) => changed(each, { extend: true }));

      const commands = [
        await commandsOf(() => driver.write("trips", created)),
        await commandsOf(() => driver.write("trips", saved)),
        await commandsOf(() => driver.write("trips", updated)),
        await commandsOf(() =>
          driver.touch(
            "trips",
            updated.map(({ id }) => ({ id, expiresAt })),
          ),
        ),
        await commandsOf(() => driver.read("trips", updated)),
        await commandsOf(
          () => driver.deleteExpired?.("trips", { limit: 9, cursor: null }) ?? fail(),
        ),
      ];

      expect(commands).toEqual([
        ["update"],
        ["update"],
        ["update"],
        ["update"],
        ["find"],
        ["find"],
      ]);
    });

    it("are two where some writes are refused", async () => {
      const driver = await connected();
      const saved = entries(50);
      await driver.write("refused", saved);
      const next = saved.map((each, i) => changed(each, i % 5 ? {} : { if: "other.1" }));

      let results: readonly WriteResult[] = [];
      const commands = await commandsOf(async () => {
        results = await driver.write("refused", next);
      });

      expect(commands).toEqual(["update", "find"]);
      for (const [i, result] of results.entries()) {
        expect(result).toEqual(
          i % 5 ? "done" : { conflict: expect.objectContaining({ version: saved[i]?.version }) },
        );
      }
      expect(await count(driver, "refused")).toBe(50);
    });
  });

  describe("a batch of conditional writes", () => {
    /** A driver whose batches are overtaken by another writer, before it has their results. */
    async function overtaken(type: string, overtake: () => Promise<unknown>) {
      let isFirst = true;
      const bulkWrite = async (
        original: (...given: unknown[]) => Promise<unknown>,
        ...given: unknown[]
      ) => {
        const result = original(...given);
        await result.catch(() => {});
        const { updateOne } = Object((given[0] as readonly unknown[])[0]);
        if (isFirst && updateOne?.filter.version !== "") {
          isFirst = false;
          await overtake();
        }
        return result;
      };
      const driver = await connected({ db: altered(db, { bulkWrite }) });
      await driver.write(type, [entry("warm")]);
      return driver;
    }

    it("knows what it won, even if that is overwritten before it looks", async () => {
      const other = await connected();
      const saved = entries(3);
      await other.write("overtaken", saved);
      const [won, deleted, lost] = saved.map((each) => changed(each, { json: "1" }));
      if (!won || !deleted || !lost) throw new Error("There are three");
      const driver = await overtaken("overtaken", async () => {
        await other.write("overtaken", [changed(won, { json: "2" })]);
        await other.del("overtaken", [{ id: deleted.id }]);
      });

      const results = await driver.write("overtaken", [won, deleted, { ...lost, if: "other.1" }]);

      expect(results.slice(0, 2)).toEqual(["done", "done"]);
      expect(results[2]).toMatchObject({ conflict: { version: saved[2]?.version } });
      expect(await driver.read("overtaken", [won, deleted])).toMatchObject([{ json: "2" }, null]);
    });

    it("brings nothing back", async () => {
      const driver = await connected();
      const saved = entries(20);
      await driver.write("gone", saved);
      await driver.del("gone", saved);

      const results = await driver.write("gone", [
        ...saved.slice(0, 10).map((each) => changed(each, { extend: true })),
        ...saved.slice(10).map((each) => changed(each, { if: "present" })),
      ]);

      expect(results).toEqual(saved.map(() => ({ conflict: null })));
      expect(await collection("gone").countDocuments()).toBe(0);
    });

    it("goes one by one where the server does not refuse what it should", async () => {
      const operations: number[] = [];
      // A server that ignores the _id that cannot be, and makes a document instead.
      const bulkWrite = (
        original: (...given: unknown[]) => unknown,
        given: unknown,
        ...rest: unknown[]
      ) => {
        const statements = structuredClone(given) as { updateOne?: { update: object } }[];
        operations.push(statements.length);
        for (const { updateOne } of statements) {
          if (updateOne) Reflect.deleteProperty(updateOne.update, "$setOnInsert");
        }
        return original(statements, ...rest);
      };
      const driver = await connected({ db: altered(db, { bulkWrite }) });
      const saved = entries(10);
      await driver.write("singly", saved);
      await driver.del("singly", saved.slice(5));

      const results = await driver.write(
        "singly",
        saved.map((each) => changed(each)),
      );

      expect(results).toEqual([
        ...saved.slice(5).map(() => "done"),
        ...saved.slice(5).map(() => ({ conflict: null })),
      ]);
      expect(operations).toEqual([1]);
      expect(await collection("singly").countDocuments()).toBe(5);
    });

    it("fails where the server has lost track of it, or of the copies that were asked for", async () => {
      const answers = [
        { matchedCount: 1, upsertedCount: 0 },
        Object.assign(new Error("too few copies"), {
          name: "MongoBulkWriteError",
          writeErrors: [{ index: 1 }],
          result: {
            matchedCount: 1,
            upsertedCount: 0,
            getWriteConcernError: () => ({ code: 64, errmsg: "timed out" }),
          },
        }),
        Object.assign(new Error("wrapped"), {
          name: "MongoBulkWriteError",
          writeErrors: [],
          errorResponse: Object.assign(new Error("gone"), { name: "MongoNetworkError" }),
        }),
      ];
      let answer: unknown;
      const bulkWrite = (original: (...given: unknown[]) => unknown, ...given: unknown[]) => {
        if (answer === undefined) return original(...given);
        if (answer instanceof Error) throw answer;
        return answer;
      };
      const driver = await connected({ db: altered(db, { bulkWrite }) });
      await driver.write("track", entries(2));

      const messages: string[] = [];
      for (answer of answers) {
        const written = async () => driver.write("track", entries(2));
        await written().catch(({ message }) => messages.push(message));
      }

      expect(messages).toEqual([
        "The server did not say what became of each part of a batch",
        "Too few servers have what was written: timed out",
        "gone",
      ]);
    });

    it.each([
      [64, "each"],
      [189, "never"],
    ])("tells no id and no value where too few copies were made (%d)", async (code, then) => {
      const bulkWrite = async (
        original: (...given: unknown[]) => Promise<unknown>,
        ...given: unknown[]
      ) => {
        try {
          return await original(...given);
        } catch (error) {
          const tooFew = { code, errmsg: "waiting for replication timed out" };
          Object.assign(Object(error).result, { getWriteConcernError: () => tooFew });
          throw error;
        }
      };
      const driver = await connected({ db: altered(db, { bulkWrite }) });
      const secret = { if: "absent", json: '"a secret value"' } as const;
      const writes = [entry("a secret id", secret), entry("b", secret)];
      await driver.write(`few ${code}`, [writes[0] ?? entry("a")]);

      const written = async () => driver.write(`few ${code}`, writes);
      const error: unknown = await written().catch((reason: unknown) => reason);

      expect(error).toHaveProperty("message", expect.stringContaining("replication timed out"));
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain("secret");
      expect(driver.retry?.(error)).toBe(then);
    });

    it("tells no id where too few copies of a single entry were made", async () => {
      const answer = {
        ok: 1,
        upserted: [{ index: 0, _id: "a secret id" }],
        writeConcernError: { code: 64, errmsg: "waiting for replication timed out" },
      };
      const replaceOne = async () => {
        throw new MongoWriteConcernError(answer);
      };
      const driver = await connected({ db: altered(db, { replaceOne }) });

      const written = async () => driver.write("few", [entry("a secret id")]);
      const error: unknown = await written().catch((reason: unknown) => reason);

      expect(error).toHaveProperty("message", expect.stringContaining("replication timed out"));
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain("secret");
      expect(driver.retry?.(error)).toBe("each");
    });

    it("tells no id where the server repeats a command that it does not allow", async () => {
      const findOne = async () => {
        throw new MongoServerError({
          code: 13,
          errmsg:
            'not authorized on app to execute command { find: "few", filter: { _id: "secret" } }',
        });
      };
      const driver = await connected({ db: altered(db, { findOne }) });

      const reading = async () => driver.read("few", [{ id: "secret" }]);
      const error: unknown = await reading().catch((reason: unknown) => reason);

      expect(error).toHaveProperty("message", "not authorized on app");
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain("secret");
      expect(driver.retry?.(error)).toBe("never");
    });

    it.each(["its own", "of version 1"])(
      "overwrites no change since it was read (%s)",
      async (kind) => {
        const type = `read ${kind}`;
        const other = await connected();
        if (kind === "its own") await other.write(type, [entry("a", { expiresAt: null })]);
        else await collection(type).insertOne({ _id: "a", n: 1 });
        const [before] = (await other.read(type, [{ id: "a" }])) as readonly StoredEntry[];
        const next = changed({ ...entry("a"), version: String(before?.version) }, { extend: true });
        const theirs = { ...next, version: nextVersion(next.version), json: '"theirs"' };
        let isFirst = true;
        const findOne = async (
          original: (...given: unknown[]) => Promise<unknown>,
          ...given: unknown[]
        ) => {
          const found = await original(...given);
          if (isFirst) {
            isFirst = false;
            await other.write(type, [theirs]);
          }
          return found;
        };
        const driver = await connected({ db: altered(db, { findOne }) });

        const [result] = await driver.write(type, [next]);

        expect(result).toMatchObject({ conflict: { version: theirs.version } });
        expect(await other.read(type, [{ id: "a" }])).toMatchObject([{ json: theirs.json }]);
      },
    );

    it("does what no single statement does: extends what never ends, and deletes by a passed deadline", async () => {
      const driver = await connected();
      const [never, ends, gone] = [entry("a", { expiresAt: null }), entry("b"), entry("c")];
      await driver.write("odd-ones", [never, ends, gone]);

      const results = await driver.write("odd-ones", [
        changed(never, { extend: true, expiresAt: Date.now() + HOUR_MS }),
        changed(ends, { extend: true, expiresAt: 1 }),
        changed(gone, { expiresAt: 1 }),
      ]);

      expect(results).toEqual(["done", "done", "done"]);
      expect(await driver.read("odd-ones", [never, ends, gone])).toMatchObject([
        { expiresAt: null },
        { expiresAt: ends.expiresAt },
        null,
      ]);
    });
  });

  it("spares what is touched while cleanup has found it", async () => {
    const now = vi.spyOn(Date, "now").mockReturnValue(Date.now() - HOUR_MS);
    const other = await connected();
    await other.write("spared", [
      entry("a", { expiresAt: Date.now() + 1000 }),
      entry("b", { expiresAt: Date.now() + 1000 }),
    ]);
    const find = (
      original: (...given: unknown[]) => { toArray(): Promise<unknown> },
      ...given: unknown[]
    ) => {
      const cursor = original(...given);
      const toArray = async () => {
        const found = await cursor.toArray();
        now.mockReturnValue(Date.now());
        await collection("spared").updateOne(
          { _id: "a" },
          { $set: { expiresAt: new Date(Date.now() + 3 * HOUR_MS) } },
        );
        return found;
      };
      return { toArray };
    };
    now.mockRestore();
    const driver = await connected({ db: altered(db, { find: find as never }) });

    const page = await driver.deleteExpired?.("spared", { limit: 10, cursor: null });

    expect(page).toEqual({ deleted: 1, cursor: null });
    expect(await other.read("spared", [{ id: "a" }, { id: "b" }])).toMatchObject([
      { id: "a" },
      null,
    ]);
  });

  it("refuses in good time what is too large", async () => {
    const driver = await connected();
    const large = entry("large", { json: JSON.stringify("é".repeat(8_000_000)) });

    const [refused, done] = await driver.write("large", [large, entry("small")]);

    expect(refused).toMatchObject({ code: "DATABANK_VALUE_TOO_LARGE" });
    expect(done).toBe("done");
  });

  it("keeps a session as a document in which its user is found", async () => {
    const bank = Databank.open(own, { schema: { session: { indices: ["user.id"] } } });
    const store = new DatabankStore(bank);

    await store.set("sid", { cookie: { originalMaxAge: HOUR_MS }, user: { id: 7 } });

    expect(await collection("session").findOne({ "value.user.id": 7 })).toMatchObject({
      expiresAt: expect.any(Date),
    });
    await store.close();
    await bank.disconnect();
  });

  it("leaves expired documents to a server that deletes them", async ({ skip }) => {
    const parameters = await client
      .db("admin")
      .command({ getParameter: 1, ttlMonitorEnabled: 1 })
      .catch(() => ({ ttlMonitorEnabled: false }));
    if (!parameters.ttlMonitorEnabled)
      skip("MONGODB_URL names no server that enforces TTL indexes");
    const driver = await connected();
    await driver.write("enforced", [entry("a"), entry("b")]);

    const expiresAt = new Date(Date.now() - 2 * HOUR_MS);
    await collection("enforced").updateOne({ _id: "a" }, { $set: { expiresAt } });

    const isGone = async () => (await collection("enforced").countDocuments({ _id: "a" })) === 0;
    await vi.waitUntil(isGone, { timeout: 170_000, interval: 500 });
    expect(await driver.read("enforced", [{ id: "b" }])).toMatchObject([{ id: "b" }]);
  }, 180_000);
});

function fail(): never {
  throw new Error("The method is missing");
}
