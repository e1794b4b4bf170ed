import { createHash, randomUUID } from "node:crypto";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type { CorruptReport, Driver, EntryPage, Schema, Write } from "../../src/databank/driver.js";
import { nextVersion } from "../../src/databank/version.js";
import { redisDriver } from "../../src/drivers/redis.js";
import { testDriver } from "../../src/testing/index.js";
import { entry, HOUR_MS } from "../support/entry.js";
import { testServerDriver } from "../support/server-driver.js";
import { describeServer, ownServer } from "../support/servers.js";
import { waitUntil } from "../support/wait.js";
import { type Client, openClient, spied } from "./redis-client.js";

const DAY_MS = 24 * HOUR_MS;
const INDEXED: Schema = { session: { indices: ["user.id"] } };

const place = (url: string, name: string) => `${url}?prefix=${name}:`;

async function connected(driver: Driver, schema: Schema = {}): Promise<Driver> {
  await driver.connect(schema);
  return driver;
}

const ofUser = (user: unknown, id: string, more: Partial<Write> = {}) =>
  entry(id, { json: JSON.stringify({ user: { id: user } }), ...more });

const byUser = (user: unknown) => [{ path: "user.id", json: JSON.stringify(user) }];

async function foundBy(driver: Driver, user: unknown): Promise<readonly string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page: EntryPage | undefined = await driver.search?.("session", byUser(user), {
      limit: 50,
      cursor,
    });
    ids.push(...(page?.entries ?? []).map(({ id }) => id));
    cursor = page?.cursor ?? null;
  } while (cursor !== null);
  return ids.sort();
}

describeServer("REDIS_URL", (url) => {
  testServerDriver({
    name: "redis",
    url,
    place,
    driver: (to) => redisDriver({ url: to }),
    server: "redis",
  });

  describe("over ioredis", () => {
    testDriver(
      { describe, it },
      {
        open: (schema) =>
          connected(redisDriver({ url: place(url, "ioredis"), package: "ioredis" }), schema),
      },
    );
  });

  let client: Client;
  beforeAll(async () => {
    client = await openClient(url);
  });
  afterAll(() => client.destroy());

  const ask = (...args: readonly string[]) => client.sendCommand(args);

  /** A driver in a place of its own, what it asks of the server, and what is there. */
  async function spiedDriver(schema: Schema = {}) {
    const prefix = `${randomUUID()}:`;
    const spy = spied(client);
    const driver = await connected(redisDriver({ client: spy.client, prefix }), schema);
    spy.commands.length = 0;
    return { driver, spy, prefix };
  }

  describe("with a client of one's own", () => {
    const opened: { close(): void }[] = [];
    afterAll(() => {
      for (const each of opened) each.close();
    });

    async function openIoredis(name = "ioredis", options: object = {}) {
      const { default: Redis } = (await import(name)) as {
        default: new (
          url: string,
          options: object,
        ) => {
          disconnect(): void;
          ping(): Promise<string>;
          listenerCount(event: string): number;
        };
      };
      const own = new Redis(url, { keyPrefix: "[own]*", ...options });
      opened.push({ close: () => own.disconnect() });
      return own;
    }

    testDriver(
      { describe: (name, body) => describe(`redis: ${name}`, body), it },
      { open: (schema) => connected(redisDriver({ client, prefix: "own:" }), schema) },
    );

    testDriver(
      { describe: (name, body) => describe(`ioredis with a prefix: ${name}`, body), it },
      { open: async (schema) => connected(redisDriver({ client: await openIoredis() }), schema) },
    );

    testDriver(
      { describe: (name, body) => describe(`iovalkey with a prefix: ${name}`, body), it },
      {
        open: async (schema) =>
          connected(redisDriver({ client: await openIoredis("iovalkey") }), schema),
      },
    );

    it.each(["ioredis", "iovalkey"])(
      "understands numbers that are texts, too (%s)",
      async (name) => {
        const own = await openIoredis(name, { stringNumbers: true, keyPrefix: randomUUID() });
        const driver = await connected(redisDriver({ client: own }), INDEXED);
        const first = ofUser(7, "a");
        const next = { ...first, version: nextVersion(first.version), if: first.version };
        const later = { ...next, version: nextVersion(next.version), if: next.version };
        const far = first.createdAt + 9 * DAY_MS;

        expect([
          await driver.write("session", [{ ...first, if: "absent" }]),
          await driver.touch("session", [{ id: "a", expiresAt: far }]),
          await driver.write("session", [{ ...next, extend: true }]),
          await driver.write("session", [later, { ...first, id: "b", if: "present" }]),
          await driver.touch("session", [{ id: "a", expiresAt: far }]),
          await driver.touch("session", [{ id: "b", expiresAt: far }]),
          await foundBy(driver, 7),
          await driver.del("session", [{ id: "a", if: first.version }]),
          await driver.del("session", [{ id: "a", if: later.version }]),
        ]).toEqual([
          ["done"],
          [true],
          ["done"],
          ["done", { conflict: null }],
          [true],
          [false],
          ["a"],
          [false],
          [true],
        ]);
      },
    );

    it.each(["ioredis", "iovalkey"])(
      "closes neither, and leaves no listeners behind (%s)",
      async (name) => {
        const own = await openIoredis(name);
        const before = [client.listenerCount("error"), own.listenerCount("error")];
        for (const each of [client, own]) {
          const driver = await connected(redisDriver({ client: each }));
          await driver.disconnect();
        }

        expect(await own.ping()).toBe("PONG");
        expect(await ask("PING")).toBe("PONG");
        expect([client.listenerCount("error"), own.listenerCount("error")]).toEqual(before);
      },
    );

    it("asks it nothing while it has no connection, and fails in time", async () => {
      const { driver, spy } = await spiedDriver();
      Object.assign(spy.client, { isReady: false });

      const reading = Promise.resolve(driver.read("session", [{ id: "a" }]));

      await expect(reading).rejects.toThrow("out of reach");
      expect(driver.retry?.(await reading.catch((error: unknown) => error))).toBe("never");
      expect(spy.commands).toEqual([]);
    });
  });

  describe("what is stored", () => {
    it("is one string under type:id, with a line that a person can read, and expires", async () => {
      const { driver, prefix } = await spiedDriver();
      const written = entry("abc", { json: '{"n":1}' });

      await driver.write("session", [written]);

      const { version, createdAt, expiresAt } = written;
      expect(await ask("GET", `${prefix}session:abc`)).toBe(
        `@1 ${version} ${createdAt} ${expiresAt}\n{"n":1}`,
      );
      // A key is still there in the millisecond of its deadline.
      expect(await ask("PEXPIRETIME", `${prefix}session:abc`)).toBe(Number(expiresAt) - 1);
    });

    it("is sent whole where values are short, since that is one command for all", async () => {
      const { driver, spy } = await spiedDriver();
      const short = entry("short");
      await driver.write("session", [short]);
      await driver.read("session", [{ id: "short" }]);
      spy.commands.length = 0;

      expect(await driver.read("session", [{ id: "short", known: short.version }])).toEqual([
        short,
      ]);
      expect(spy.commands).toEqual(["MGET"]);
    });

    it("is sent without a long value that the reader knows, unless that has changed", async () => {
      const { driver, spy, prefix } = await spiedDriver();
      const json = JSON.stringify("ü".repeat(200_000));
      const [kept, touched, gone] = ["kept", "touched", "gone"].map((id) => entry(id, { json }));
      const [changed, fresh] = [entry("changed", { json }), entry("fresh", { json })];
      const all = [kept, touched, gone, changed, fresh] as Write[];
      const expiresAt = Date.now() + 2 * HOUR_MS;
      const version = nextVersion(changed.version);
      await driver.write("session", all);
      await driver.read("session", [{ id: "kept" }]);
      await driver.touch("session", [{ id: "touched", expiresAt }]);
      await driver.del("session", [{ id: "gone" }]);
      await driver.write("session", [{ ...changed, json: "2", version }]);
      spy.commands.length = 0;

      const found = await driver.read("session", [
        ...all.slice(0, 4).map((each) => ({ id: each.id, known: each.version })),
        { id: "fresh" },
      ]);

      const { json: _, ...unchanged } = kept as Write;
      expect(found).toEqual([
        unchanged,
        { ...unchanged, id: "touched", version: touched?.version, expiresAt },
        null,
        { ...changed, json: "2", version },
        fresh,
      ]);
      expect(spy.commands).toEqual([..."GETRANGE ".repeat(4).trim().split(" "), "MGET", "MGET"]);
      expect(await driver.read("session", [{ id: "kept", known: kept?.version ?? "" }])).toEqual([
        unchanged,
      ]);
      expect(spy.commands.slice(6)).toEqual(["GETRANGE"]);

      await ask("SET", `${prefix}session:plain`, '{"n":1}', "PX", "60000");
      await ask("RPUSH", `${prefix}session:list`, "a");
      const [plain] = await driver.read("session", [{ id: "plain" }]);
      const known = (plain as Write).version;
      expect(
        await driver.read("session", [
          { id: "plain", known },
          { id: "list", known },
        ]),
      ).toEqual([{ ...plain, expiresAt: expect.any(Number) }, null]);
    });

    it("takes one command for each change, and one for all that is read together", async () => {
      const { driver, spy } = await spiedDriver();
      const written = entry("a", { if: "absent" });
      const version = nextVersion(written.version);
      const ids = Array.from({ length: 50 }, (_, i) => ({ id: `${i}` }));
      // So that the server knows the scripts.
      await driver.write("warm", [entry("a", { if: "present" })]);
      await driver.touch("warm", [{ id: "a", expiresAt: null }]);
      await driver.del("warm", [{ id: "a", if: "a.b" }]);
      spy.commands.length = 0;

      await driver.write("session", [written]);
      await driver.write("session", [{ ...written, version, if: written.version, extend: true }]);
      await driver.touch("session", [{ id: "a", expiresAt: Date.now() + DAY_MS }]);
      await driver.read("session", ids);
      await driver.del("session", [{ id: "a", if: version }]);
      await driver.del("session", [{ id: "a" }]);

      expect(spy.commands).toEqual(["SET", "EVALSHA", "EVALSHA", "MGET", "EVALSHA", "UNLINK"]);
    });

    it("keeps its value where it is when it is touched", async () => {
      const { driver, prefix } = await spiedDriver();
      const written = entry("a", { json: '"stays"' });
      const key = `${prefix}session:a`;
      await driver.write("session", [written]);
      await ask("SETRANGE", key, String(String(await ask("GET", key)).indexOf("stays")), "STAYS");

      const expiresAt = Date.now() + DAY_MS;
      expect(await driver.touch("session", [{ id: "a", expiresAt }])).toEqual([true]);

      expect(await driver.read("session", [{ id: "a" }])).toMatchObject([
        { json: '"STAYS"', version: written.version, expiresAt },
      ]);
      expect(await ask("PEXPIRETIME", key)).toBe(expiresAt - 1);
    });

    it("is told the deadline by the server's clock, and read by ours", async () => {
      const { driver, spy, prefix } = await spiedDriver();
      const aheadMs = 120_000;
      spy.hook = async (args, send) => {
        const reply = await send();
        if (args[0] !== "TIME" || !Array.isArray(reply)) return reply;
        return [String(Number(reply[0]) + aheadMs / 1000), String(reply[1])];
      };
      await driver.disconnect();
      await driver.connect({});
      const written = entry("a", { expiresAt: Date.now() + 60_000 });

      await driver.write("session", [written]);

      const key = `${prefix}session:a`;
      const told = Number(await ask("PEXPIRETIME", key)) - Number(written.expiresAt);
      expect(Math.abs(told - aheadMs)).toBeLessThan(1000);
      const [found] = await driver.read("session", [{ id: "a" }]);
      expect(found).toMatchObject({ expiresAt: written.expiresAt });
    });

    it("is written by scripts that a server has forgotten", async () => {
      const { driver } = await spiedDriver();
      const written = entry("a");
      await driver.write("session", [written]);
      await ask("SCRIPT", "FLUSH");

      const next = { ...written, version: nextVersion(written.version), if: written.version };
      const results = [
        await driver.write("session", [next]),
        await driver.touch("session", [{ id: "a", expiresAt: null }]),
      ];
      await ask("SCRIPT", "FLUSH");
      results.push(await driver.del("session", [{ id: "a", if: next.version }]));

      expect(results).toEqual([["done"], [true], [true]]);
    });
  });

  describe("what others have written", () => {
    it("is read as it is, with the deadline that only Redis knows", async () => {
      const { driver, prefix } = await spiedDriver();
      const expiresAt = Date.now() + HOUR_MS;
      await ask("SET", `${prefix}person:ann`, '{"name":"Ann"}');
      await ask("SET", `${prefix}count:a`, "41", "PXAT", String(expiresAt));

      const [ann] = await driver.read("person", [{ id: "ann" }]);
      const [count] = await driver.read("count", [{ id: "a" }]);

      const sha1 = createHash("sha1").update('{"name":"Ann"}').digest("base64url");
      const version = `foreign.${sha1}`;
      expect(ann).toEqual({
        id: "ann",
        json: '{"name":"Ann"}',
        version,
        createdAt: 0,
        expiresAt: null,
      });
      expect(count).toMatchObject({ json: "41" });
      expect(Math.abs(Object(count).expiresAt - expiresAt)).toBeLessThan(1000);
    });

    it("is changed, touched and deleted on condition like everything else", async () => {
      const { driver, prefix } = await spiedDriver();
      const key = `${prefix}person:ann`;
      await ask("SET", key, '{"name":"Ann"}', "PX", "60000");
      const [ann] = await driver.read("person", [{ id: "ann" }]);
      const version = String(Object(ann).version);
      const expiresAt = Date.now() + HOUR_MS;

      const absent = await driver.write("person", [entry("ann", { if: "absent" })]);
      const touched = await driver.touch("person", [{ id: "ann", expiresAt }]);
      const sooner = await driver.touch("person", [{ id: "ann", expiresAt: Date.now() + 1000 }]);
      expect(await ask("PEXPIRETIME", key)).toBe(expiresAt - 1);
      expect(absent).toMatchObject([{ conflict: { version, json: '{"name":"Ann"}' } }]);
      expect([touched, sooner]).toEqual([[true], [true]]);

      await ask("SET", key, '{"name":"Bea"}', "KEEPTTL");
      expect(await driver.del("person", [{ id: "ann", if: version }])).toEqual([false]);
      const late = entry("ann", { version: nextVersion(version), if: version });
      expect(await driver.write("person", [late])).toMatchObject([
        { conflict: { json: '{"name":"Bea"}' } },
      ]);
      const [bea] = await driver.read("person", [{ id: "ann" }]);
      const known = String(Object(bea).version);
      const next = entry("ann", {
        version: nextVersion(known),
        if: known,
        expiresAt: 1,
        extend: true,
      });
      expect(await driver.write("person", [next])).toEqual(["done"]);
      const [kept] = await driver.read("person", [{ id: "ann" }]);
      expect(Math.abs(Object(kept).expiresAt - expiresAt)).toBeLessThan(1000);
    });

    it("counts as missing where it makes no sense, and stops no scan", async () => {
      const { driver, prefix } = await spiedDriver();
      const reports: CorruptReport[] = [];
      driver.onCorrupt = (report) => reports.push(report);
      await ask("SET", `${prefix}session:text`, "hello");
      await ask("SET", `${prefix}session:torn`, "@1 half a");
      await ask("RPUSH", `${prefix}session:list`, "x");
      await driver.write("session", [entry("good")]);
      const ids = ["text", "torn", "list", "good"].map((id) => ({ id }));

      const read = await driver.read("session", ids);
      const scanned: string[] = [];
      for await (const { id } of new Databank(driver).scan("session")) scanned.push(id);
      const created = await driver.write("session", [
        entry("text", { if: "absent" }),
        entry("torn", { if: "absent" }),
      ]);

      expect(read).toMatchObject([null, null, null, { id: "good" }]);
      expect(scanned).toEqual(["good"]);
      expect(reports[0]?.type).toBe("session");
      expect(created).toEqual(["done", "done"]);
      expect(await driver.read("session", ids.slice(0, 2))).toMatchObject([
        { id: "text" },
        { id: "torn" },
      ]);
    });

    it.each(["redis", "ioredis"] as const)(
      "that refuses the password is told, and the password is not, over %s",
      async (name) => {
        const to = url.replace("://", "://nobody:s3cret@");
        const driver = redisDriver({ url: to, package: name });

        const error: unknown = await driver.connect({}).catch((reason: unknown) => reason);

        expect(String(error)).toContain("WRONGPASS");
        expect(inspect(error, { depth: 10, showHidden: true })).not.toContain("s3cret");
      },
    );

    it("does not get into an error, whatever the client hangs on to it", async () => {
      const driver = await connected(
        redisDriver({ url: place(url, "errors"), package: "ioredis" }),
      );
      await ask("DEL", "errors:session:secret");
      await ask("RPUSH", "errors:session:secret", "x");

      const [result] = await driver.write("session", [entry("secret", { if: "present" })]);

      expect(result).toBeInstanceOf(Error);
      expect(Object.keys(Object(result))).not.toContain("command");
      expect(JSON.stringify(result)).not.toContain("secret");
      await driver.disconnect();
    });
  });

  describe("an index", () => {
    /** The key of the only index in a place. */
    async function indexIn(prefix: string): Promise<string> {
      const keys = (await ask("KEYS", `${prefix}%index:*`)) as readonly string[];
      expect(keys).toHaveLength(1);
      return String(keys[0]);
    }

    /** Makes all that is in an index look as if it had been added some hours ago. */
    async function age(key: string, hours = 3): Promise<void> {
      for (const id of (await ask("ZRANGE", key, "0", "-1")) as readonly string[]) {
        const period = Math.floor(Number(await ask("ZSCORE", key, id)) / DAY_MS);
        const timeOfDay = (Date.now() - hours * HOUR_MS) % DAY_MS;
        await ask("ZADD", key, String(period * DAY_MS + timeOfDay), id);
      }
    }

    it("costs nothing where none is declared", async () => {
      const { driver, spy, prefix } = await spiedDriver(INDEXED);

      await driver.write("person", [ofUser(7, "a")]);

      expect(spy.commands).toEqual(["SET"]);
      expect(await ask("KEYS", `${prefix}%*`)).toEqual([]);
    });

    it("knows also what was there before it was declared, after the first search", async () => {
      const { driver, spy } = await spiedDriver();
      await driver.write("session", [ofUser(7, "a"), ofUser(8, "b"), ofUser(7, "c")]);
      await driver.connect(INDEXED);

      const first = (await foundBy(driver, 7)).filter((id) => id !== "b");
      // So that the server knows the script.
      await foundBy(driver, 8);
      spy.commands.length = 0;
      const second = await foundBy(driver, 7);

      expect([first, second]).toEqual([
        ["a", "c"],
        ["a", "c"],
      ]);
      expect(spy.commands).toEqual(["SMISMEMBER", "EVALSHA", "MGET"]);
    });

    it("is completed anew after some months, or when somebody says so", async () => {
      const { driver, prefix } = await spiedDriver(INDEXED);
      await driver.write("session", [ofUser(7, "a")]);
      await foundBy(driver, 7);
      expect(Number(await ask("PTTL", `${prefix}%indexed:session`))).toBeGreaterThan(100 * DAY_MS);
      expect(Number(await ask("PTTL", `${prefix}%indexed:session`))).toBeLessThan(200 * DAY_MS);
      // What has been written without the index, or has been in it for very long.
      await ask("DEL", await indexIn(prefix));
      expect(await foundBy(driver, 7)).toEqual([]);

      await ask("DEL", `${prefix}%indexed:session`);
      await foundBy(driver, 7);

      expect(await foundBy(driver, 7)).toEqual(["a"]);
    });

    it("that another one has completed for another path is not completed later for that", async () => {
      const { driver, prefix } = await spiedDriver(INDEXED);
      await foundBy(driver, 7);
      const key = `${prefix}%indexed:session`;
      await ask("PEXPIRE", key, "60000");

      await driver.connect({ session: { indices: ["user.id", "tag"] } });
      await foundBy(driver, 7);

      expect(await ask("SMISMEMBER", key, "user.id", "tag")).toEqual([1, 1]);
      expect(Number(await ask("PTTL", key))).toBeLessThanOrEqual(60_000);
    });

    it("does not keep for ever what has been deleted, though it would never have ended", async () => {
      const { driver, prefix } = await spiedDriver(INDEXED);
      await foundBy(driver, 7);
      const farAway = Date.now() + 36_500 * DAY_MS;
      await driver.write("session", [
        ofUser(7, "never", { expiresAt: null }),
        ofUser(7, "far away", { expiresAt: farAway }),
      ]);
      await driver.del("session", [{ id: "never" }, { id: "far away" }]);

      const left = Number(await ask("PTTL", await indexIn(prefix)));

      expect(left).toBeGreaterThan(390 * DAY_MS);
      expect(left).toBeLessThan(410 * DAY_MS);
    });

    it("is walked from its beginning where another server has taken over in the middle", async () => {
      const own = await ownServer("redis");
      const driver = redisDriver({ url: own.url });
      try {
        await driver.connect(INDEXED);
        await foundBy(driver, 7);
        const ids = Array.from({ length: 2000 }, (_, i) => `${i}`);
        await driver.write(
          "session",
          ids.map((id) => ofUser(7, id)),
        );
        const found = new Set<string>();
        let pages = 0;
        for (let cursor: string | null | undefined = null; cursor !== undefined; pages += 1) {
          const page: EntryPage | undefined = await driver.search?.("session", byUser(7), {
            limit: 100,
            cursor,
          });
          for (const { id } of page?.entries ?? []) found.add(id);
          cursor = page?.cursor ?? undefined;
          if (pages === 10) {
            await own.kill();
            await own.start();
          }
        }

        expect(found.size).toBe(ids.length);
        // Two walks of some twenty pages at most, and not one for each page.
        expect(pages).toBeLessThan(100);
      } finally {
        await driver.disconnect();
        await own.close();
      }
    });

    it("is written before the entry, and loses an id only when it is stale for long", async () => {
      const { driver, prefix } = await spiedDriver(INDEXED);
      await foundBy(driver, 7);
      await driver.write("session", [ofUser(7, "a"), ofUser(7, "b"), ofUser(7, "c")]);
      const key = await indexIn(prefix);
      await driver.del("session", [{ id: "b" }]);
      await driver.write("session", [entry("c")]);

      await foundBy(driver, 7);
      const early = await ask("ZCARD", key);
      await age(key);
      const found = await foundBy(driver, 7);

      expect(early).toBe(3);
      expect(found.filter((id) => id !== "c")).toEqual(["a"]);
      expect(await ask("ZRANGE", key, "0", "-1")).toEqual(["a"]);
    });

    it("keeps an entry whose write a search comes between", async () => {
      const { driver, spy } = await spiedDriver(INDEXED);
      await foundBy(driver, 7);
      spy.hook = async (args, send) => {
        if (args[0] === "SET") {
          spy.hook = (_args, sendOther) => sendOther();
          await foundBy(driver, 7);
        }
        return send();
      };

      await driver.write("session", [ofUser(7, "a", { if: "absent" })]);

      expect(await foundBy(driver, 7)).toEqual(["a"]);
    });

    it("keeps an id that was added again after a search had looked at its entry", async () => {
      const { driver, spy, prefix } = await spiedDriver(INDEXED);
      await foundBy(driver, 7);
      await driver.write("session", [ofUser(7, "a")]);
      await driver.del("session", [{ id: "a" }]);
      const key = await indexIn(prefix);
      await age(key);
      spy.hook = async (args, send) => {
        const reply = await send();
        if (args[0] === "MGET") {
          spy.hook = (_args, sendOther) => sendOther();
          await driver.write("session", [ofUser(7, "a")]);
          // As if the search had been held up for longer than an entry can be on its way.
          await age(key, 2);
        }
        return reply;
      };

      await foundBy(driver, 7);

      expect(await foundBy(driver, 7)).toEqual(["a"]);
    });

    it("lasts as long as its last entry, also when that is touched or kept longer", async () => {
      const { driver, prefix } = await spiedDriver(INDEXED);
      await foundBy(driver, 7);
      const in30Days = Date.now() + 30 * DAY_MS;
      await driver.write("session", [ofUser(7, "a")]);
      const key = await indexIn(prefix);
      const ends = async () => Number(await ask("PEXPIRETIME", key));

      const first = await ends();
      await driver.touch("session", [{ id: "a", expiresAt: in30Days }]);
      const touched = await ends();
      await ask("DEL", key);
      await driver.write("session", [ofUser(7, "a", { extend: true })]);
      const extended = await ends();
      await driver.write("session", [ofUser(7, "b", { expiresAt: null })]);
      const never = await ends();

      expect(first).toBeGreaterThanOrEqual(Date.now() + HOUR_MS - 60_000);
      expect(first).toBeLessThanOrEqual(Date.now() + HOUR_MS + DAY_MS);
      expect(touched).toBeGreaterThanOrEqual(in30Days);
      expect(extended).toBe(touched);
      expect(never).toBeGreaterThan(in30Days);
    });

    /** The day in which an id ends in the index of a user. */
    async function lastDayIn(prefix: string, user: unknown, id: string): Promise<number> {
      const hash = createHash("sha256").update(JSON.stringify(user)).digest("base64url");
      const key = `${prefix}%index:session:user.id:${hash.slice(0, 22)}`;
      return Math.floor(Number(await ask("ZSCORE", key, id)) / DAY_MS);
    }

    it("has the value that another one writes while a touch is under way as long as the entry", async () => {
      const { driver, spy, prefix } = await spiedDriver(INDEXED);
      const in30Days = Date.now() + 30 * DAY_MS;
      await driver.write("session", [ofUser(7, "a")]);
      spy.hook = async (args, send) => {
        const reply = await send();
        if (args[0] === "EVALSHA" && args[3] === `${prefix}session:a`) {
          spy.hook = (_args, sendOther) => sendOther();
          await driver.write("session", [ofUser(8, "a")]);
        }
        return reply;
      };

      expect(await driver.touch("session", [{ id: "a", expiresAt: in30Days }])).toEqual([true]);

      expect(await driver.read("session", [{ id: "a" }])).toMatchObject([{ expiresAt: in30Days }]);
      expect(await lastDayIn(prefix, 8, "a")).toBe(Math.floor(in30Days / DAY_MS));
    });

    it("has an entry as long as the later deadline that it keeps, even if the writer ends right after", async () => {
      const { driver, spy, prefix } = await spiedDriver(INDEXED);
      for (const [id, expiresAt] of [
        ["a", Date.now() + 30 * DAY_MS],
        ["b", null],
      ] as const) {
        await driver.write("session", [ofUser(7, id, { expiresAt })]);
        let isOver = false;
        spy.hook = async (_args, send) => {
          if (isOver) throw new Error("The writer is no more");
          const reply = await send();
          isOver = String(await ask("GET", `${prefix}session:${id}`)).includes('"id":8');
          return reply;
        };

        await driver.write("session", [ofUser(8, id, { extend: true })]);
        spy.hook = (_args, send) => send();

        expect(await driver.read("session", [{ id }])).toMatchObject([{ expiresAt }]);
        const lastDay = Math.floor((expiresAt ?? Date.now() + 300 * DAY_MS) / DAY_MS);
        expect(await lastDayIn(prefix, 8, id)).toBeGreaterThanOrEqual(lastDay);
      }
    });

    it("drops what has ended when something is added", async () => {
      const { driver, prefix } = await spiedDriver(INDEXED);
      await foundBy(driver, 7);
      await driver.write("session", [ofUser(7, "a"), ofUser(7, "b", { expiresAt: null })]);
      const key = await indexIn(prefix);
      const yesterday = (Math.floor(Date.now() / DAY_MS) - 1) * DAY_MS;
      await ask("ZADD", key, String(yesterday), "a");

      await driver.write("session", [ofUser(7, "c")]);

      expect(await ask("ZRANGE", key, "0", "-1")).toEqual(["c", "b"]);
    });
  });
});

describe("a server that is away", () => {
  for (const name of ["redis", "ioredis"] as const) {
    it(`fails calls in time, carries none of them out later, and is found again, over ${name}`, async () => {
      const own = await ownServer("redis");
      const bank = new Databank(redisDriver({ url: own.url, package: name }));
      try {
        await bank.save("session", "before", 1);
        await own.kill();
        const began = performance.now();
        const calls = Array.from({ length: 500 }, (_, i) => bank.save("session", `${i}`, i));
        const results = await Promise.allSettled(calls);
        const tookMs = performance.now() - began;
        await own.start();
        await waitUntil(() =>
          bank
            .save("session", "after", 1)
            .then(() => true)
            .catch(() => false),
        );

        expect(results.every(({ status }) => status === "rejected")).toBe(true);
        expect(tookMs).toBeLessThan(10_000);
        expect(await bank.count("session")).toBe(2);
      } finally {
        await bank.disconnect();
        await own.close();
      }
    });

    it(`is told at once when connecting to a cluster over ${name}`, async () => {
      const driver = redisDriver({ url: "redis+cluster://127.0.0.1:1", package: name });

      const error: unknown = await driver.connect({}).catch((reason: unknown) => reason);

      expect(String(error)).toMatch(/root nodes are unavailable|Failed to refresh slots cache/);
      await driver.disconnect();
    });

    it(`is told at once when connecting, with the cause, over ${name}`, async () => {
      const driver = redisDriver({ url: "redis://:secret@127.0.0.1:1", package: name });

      const error: unknown = await driver.connect({}).catch((reason: unknown) => reason);

      expect(error).toMatchObject({ code: "ECONNREFUSED" });
      expect(String(Object(error).message)).not.toContain("secret");
      await driver.disconnect();
    });
  }
});

describe("options", () => {
  const code = "DATABANK_INVALID_OPTION";
  const make = (options: object) => () => redisDriver(options as { url: string });

  for (const [options, advice] of [
    [{ url: "http://host" }, "redis://user:password@host:6379/0"],
    [{ url: "redis+sentinel://host:26379/name" }, "pass a client instead"],
    [{ url: "redis://host/x" }, "must be a number"],
    [{ url: "redis+cluster://host/1" }, "only database 0"],
    [{ url: "redis://a,b" }, "redis+cluster://"],
    [{ url: "redis://host:0" }, "from 1 to 65535"],
    [{ url: "redis://%zz@host" }, "%25"],
    [{ url: "redis://host?prefx=a" }, "did you mean prefix?"],
    [{ url: "redis://host", port: 1 }, "either a url or a port"],
    [{ url: "redis://host", package: "redi" }, '"redis" or "ioredis"'],
    [{ url: "redis://host", prefix: 7 }, "prefix must be a text"],
    [{ hots: "a" }, "did you mean host?"],
    [{ client: {} }, "client must be a client"],
    // What a client of @valkey/valkey-glide looks like.
    [
      { client: { customCommand: async () => null, close: () => {} } },
      "redis, ioredis or iovalkey",
    ],
    [{ client: {}, url: "redis://host" }, "no option url"],
  ] as const) {
    it(`are refused with advice: ${JSON.stringify(options)}`, () => {
      expect(make(options)).toThrow(expect.objectContaining({ code }));
      expect(make(options)).toThrow(advice);
    });
  }

  it("never get into a message where they may be secret", () => {
    expect(make({ url: "redis://user:secret@a,b" })).not.toThrow(/secret/);
    expect(make({ url: "redis:/user:secret@host" })).not.toThrow(/secret/);
    expect(make({ url: "redis://:a?secret@host" })).toThrow("special in the password as %40");
    expect(make({ url: "redis://:a?b&secret@host" })).toThrow("special in the password as %40");
  });

  it("are those of databank-redis 1.x too", () => {
    const options = { host: "localhost", port: 6379, database: 1, checkIndices: true };
    expect(make(options)().name).toBe("redis");
    expect(make({})().calling?.immediate).toEqual(["del"]);
    expect(make({ url: "valkey://u:p@[::1]:7000/3" })().name).toBe("redis");
    expect(make({ url: "redis://host?prefix=a@b" })().name).toBe("redis");
    expect(make({ url: "redis+cluster://a,b:1" })().calling?.immediate).toContain("read");
  });
});
