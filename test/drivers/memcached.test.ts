import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type { Driver, Write } from "../../src/databank/driver.js";
import { nextVersion } from "../../src/databank/version.js";
import { keyOf } from "../../src/drivers/memcached/key.js";
import { placement } from "../../src/drivers/memcached/placement.js";
import { Recent } from "../../src/drivers/memcached/recent.js";
import { memcachedDriver } from "../../src/drivers/memcached.js";
import { DatabankStore } from "../../src/store/store-class.js";
import { change, entry, HOUR_MS } from "../support/entry.js";
import { testServerDriver } from "../support/server-driver.js";
import { describeServer, ownServer } from "../support/servers.js";
import { waitFor } from "../support/wait.js";
import { ask, between, imitation } from "./memcached-wire.js";

const DAY_MS = 24 * HOUR_MS;

async function connected(...args: Parameters<typeof memcachedDriver>): Promise<Driver> {
  const driver = memcachedDriver(...args);
  await driver.connect({});
  return driver;
}

const asItIs = ({ if: _condition, extend: _extend, ...stored }: Write) => stored;

describeServer("MEMCACHED_URL", (url) => {
  testServerDriver({
    name: "memcached",
    url,
    place: (server, name) => `${server}?prefix=${name}:`,
    driver: (to) => memcachedDriver({ url: to }),
    server: "memcached",
    scans: false,
  });

  describe("what memcached holds", () => {
    let prefix: string;
    let driver: Driver;
    beforeAll(async () => {
      prefix = `${randomUUID()}:`;
      driver = await connected({ url, prefix });
    });
    afterAll(() => driver.disconnect());

    it("is a line about the entry, and its value", async () => {
      const { version, createdAt, expiresAt } = entry("");
      await driver.write("session", [
        { id: "a", json: '{"ü":1}', version, createdAt, expiresAt },
        { id: "b c", json: "2", version, createdAt, expiresAt: null },
      ]);

      const a = `@1 ${createdAt} ${expiresAt} ${version}\n{"ü":1}`;
      const b = `@1 ${createdAt} never ${version}\n2`;
      const found = await ask(url, `mg ${prefix}session:a v\r\n`);
      expect(found).toBe(`VA ${Buffer.byteLength(a)}\r\n${a}\r\n`);
      expect(await ask(url, `mg ${prefix}session:b%0020c v\r\n`)).toBe(
        `VA ${b.length}\r\n${b}\r\n`,
      );
    });

    it.each([
      ["in an hour", HOUR_MS, 4200],
      ["in forty days", 40 * DAY_MS, 40 * 86_400 + 600],
    ])("is dropped by itself ten minutes after a deadline %s", async (_name, lifeMs, seconds) => {
      const id = randomUUID();
      await driver.write("session", [entry(id, { expiresAt: Date.now() + lifeMs })]);

      const answer = await ask(url, `mg ${prefix}session:${id} t\r\n`);
      const left = Number(/^HD t(-?\d+)/.exec(answer)?.[1]);
      expect(Math.abs(left - seconds)).toBeLessThanOrEqual(3);
    });

    it("is kept where the server's clock is ahead", async () => {
      const id = randomUUID();
      const now = Date.now() - 5 * 60_000;
      vi.spyOn(Date, "now").mockReturnValue(now);
      onTestFinished(() => void vi.restoreAllMocks());

      await driver.write("session", [entry(id, { expiresAt: now + 60_000 })]);

      expect(await driver.read("session", [{ id }])).toMatchObject([{ id }]);
    });

    it.each([
      ["that never comes", null],
      ["after the year 2038", Date.UTC(2039, 0)],
    ])("is never dropped for a deadline %s", async (_name, expiresAt) => {
      const id = randomUUID();
      await driver.write("session", [entry(id, { expiresAt })]);

      expect(await ask(url, `mg ${prefix}session:${id} t\r\n`)).toBe("HD t-1\r\n");
      expect(await driver.read("session", [{ id }])).toMatchObject([{ id, expiresAt }]);
    });

    it("follows a touch", async () => {
      const id = randomUUID();
      const expiresAt = Date.now() + 2 * HOUR_MS;
      await driver.write("session", [entry(id)]);
      await driver.touch("session", [{ id, expiresAt }]);
      await driver.touch("session", [{ id, expiresAt: expiresAt - HOUR_MS }]);

      const answer = await ask(url, `mg ${prefix}session:${id} t\r\n`);
      expect(Number(/^HD t(-?\d+)/.exec(answer)?.[1])).toBeGreaterThan(7200);
    });

    it("is taken for missing where it makes no sense, and told about", async () => {
      const reports: unknown[] = [];
      driver.onCorrupt = (report) => reports.push(report);
      for (const garbage of ["{damaged", "@1 x y z\n{}", ""]) {
        const id = randomUUID();
        reports.length = 0;
        await ask(url, `ms ${prefix}session:${id} ${garbage.length}\r\n${garbage}\r\n`);

        expect(await driver.read("session", [{ id }])).toEqual([null]);
        expect(reports).toEqual([{ type: "session", cause: expect.any(Error) }]);
        expect(await driver.touch("session", [{ id, expiresAt: null }])).toEqual([false]);
        const written = entry(id, { if: "absent" });
        expect(await driver.write("session", [written])).toEqual(["done"]);
        expect(await driver.read("session", [{ id }])).toEqual([asItIs(written)]);
      }
    });

    it("may come from version 1", async () => {
      const id = randomUUID();
      const json = '{"cookie":{"originalMaxAge":null},"sid":"x"}';
      await ask(url, `set ${prefix}session:${id} 0 0 ${json.length}\r\n${json}\r\n`);

      const [found] = await driver.read("session", [{ id }]);
      expect(found).toMatchObject({ id, json, expiresAt: null });
      const { version } = found as Write;
      expect(await driver.write("session", [entry(id, { if: "absent" })])).toMatchObject([
        { conflict: { version } },
      ]);
      const next = entry(id, { version: nextVersion(version), if: version });
      expect(await driver.write("session", [next])).toEqual(["done"]);
      expect(await driver.read("session", [{ id }])).toEqual([asItIs(next)]);
    });

    it("is not confused with an entry whose key has the same hash", async () => {
      const [mine, other] = ["x".repeat(300), "y".repeat(300)];
      const written = entry(other);
      await driver.write("session", [written]);
      const from = await ask(url, `mg ${keyOf(prefix, "session", other).text} v\r\n`);
      const record = from.slice(from.indexOf("\n") + 1, -2);
      const { text } = keyOf(prefix, "session", mine);
      await ask(url, `ms ${text} ${record.length}\r\n${record}\r\n`);

      expect(await driver.read("session", [{ id: mine }, { id: other }])).toEqual([
        null,
        asItIs(written),
      ]);
    });

    it("stays when a longer value is refused", async () => {
      const small = await connected({ url, prefix, maxValueBytes: 10 });
      const id = randomUUID();
      const first = entry(id);
      await small.write("session", [first]);

      const [refused, done] = await small.write("session", [
        change(first, { json: `"${"é".repeat(5)}"` }),
        entry(randomUUID(), { json: `"${"é".repeat(4)}"` }),
      ]);

      expect(refused).toMatchObject({ code: "DATABANK_VALUE_TOO_LARGE" });
      expect(done).toBe("done");
      expect(await small.read("session", [{ id }])).toEqual([asItIs(first)]);
      await small.disconnect();
    });

    it("can be larger than memcached allows, which is then an error of its own", async () => {
      const large = await connected({ url, prefix, maxValueBytes: 5_000_000 });

      const results = await large.write("session", [
        entry("large", { json: JSON.stringify("x".repeat(2_000_000)) }),
        entry("small"),
      ]);

      expect(results).toMatchObject([{ code: "DATABANK_VALUE_TOO_LARGE" }, "done"]);
      await large.disconnect();
    });
  });

  it("says that it cannot list, and deletes nothing for being asked to", async () => {
    const store = new DatabankStore(`${url}?prefix=${randomUUID()}:`, { log: null });
    await store.set("a", { cookie: { originalMaxAge: 60_000 } });
    const reason = {
      code: "DATABANK_NOT_IMPLEMENTED",
      message: "A memcached databank cannot list its entries",
    };

    await expect(store.all()).rejects.toMatchObject(reason);
    await expect(store.length()).rejects.toMatchObject(reason);
    await expect(store.clear()).rejects.toMatchObject(reason);
    expect(await store.get("a")).toBeTruthy();
    await store.close();
  });

  it("ends a connection that was still being made when it was told to", async () => {
    const driver = memcachedDriver({ url });

    await Promise.all([driver.connect({}), driver.disconnect()]);

    const reading = async () => driver.read("session", [{ id: "a" }]);
    await expect(reading()).rejects.toMatchObject({ name: "NotConnectedError" });
  });

  it("opens from a URL with options of the databank", async () => {
    const bank = Databank.open(`${url}?timeoutMs=4000&prefix=${randomUUID()}:&maxPending=50`);
    await bank.save("session", "a", 1);

    expect(await bank.read("session", "a")).toBe(1);
    await bank.disconnect();
    expect(() => Databank.open(`${url}?timeoutMs=soon`)).toThrow("timeoutMs must be a number");
    expect(() => Databank.open(`${url}?maxPending=0`)).toThrow("maxPending");
  });

  describe("round trips", () => {
    it("one for what was read or written before, whatever is done with it", async () => {
      const proxy = await between(url);
      const driver = await connected({ url: proxy.url, prefix: `${randomUUID()}:` });
      const ids = Array.from({ length: 50 }, (_, i) => `${i}`);
      const trips = async (call: Promise<unknown>) => {
        proxy.received.length = 0;
        await call;
        return proxy.received.length;
      };
      const created = ids.map((id) => entry(id, { if: "absent" }));
      const changed = created.map((each) => change(each, { extend: true }));
      const expiresAt = Date.now() + 2 * HOUR_MS;

      expect(await trips(Promise.resolve(driver.write("s", created)))).toBe(1);
      expect(await trips(Promise.resolve(driver.write("s", changed)))).toBe(1);
      const touches = ids.map((id) => ({ id, expiresAt }));
      expect(await trips(Promise.resolve(driver.touch("s", touches)))).toBe(1);
      const reads = ids.map((id) => ({ id }));
      expect(await trips(Promise.resolve(driver.read("s", reads)))).toBe(1);
      const deletions = changed.map(({ id, version }) => ({ id, if: version }));
      expect(await trips(Promise.resolve(driver.del("s", deletions)))).toBe(1);
      expect(await driver.read("s", reads)).toEqual(ids.map(() => null));
      await driver.disconnect();
      await proxy.close();
    });

    it("more where somebody else has changed it, and then by what is there", async () => {
      const prefix = `${randomUUID()}:`;
      const [mine, other] = await Promise.all([
        connected({ url, prefix }),
        connected({ url, prefix }),
      ]);
      const first = entry("a");
      const theirs = change(first);
      await mine.write("s", [first]);
      await other.write("s", [theirs]);
      const expiresAt = Date.now() + 2 * HOUR_MS;

      expect(await mine.write("s", [change(first)])).toEqual([{ conflict: asItIs(theirs) }]);
      await other.touch("s", [{ id: "a", expiresAt }]);
      expect(await mine.touch("s", [{ id: "a", expiresAt: expiresAt - 1 }])).toEqual([true]);
      expect(await mine.read("s", [{ id: "a" }])).toEqual([{ ...asItIs(theirs), expiresAt }]);
      await other.del("s", [{ id: "a" }]);
      expect(await mine.touch("s", [{ id: "a", expiresAt: null }])).toEqual([false]);
      expect(await mine.del("s", [{ id: "a" }])).toEqual([false]);
      await Promise.all([mine.disconnect(), other.disconnect()]);
    });

    it("none is saved by refusing what was seen and may have changed", async () => {
      const prefix = `${randomUUID()}:`;
      const proxy = await between(url);
      const mine = await connected({ url: proxy.url, prefix });
      const other = await connected({ url, prefix });
      const [first, gone] = [entry("a"), entry("b")];
      const theirs = change(first);
      const next = change(theirs);
      await mine.write("s", [first, gone]);
      await other.write("s", [theirs]);
      await other.del("s", [{ id: "b" }]);

      expect(await mine.write("s", [next])).toEqual(["done"]);
      expect(await mine.touch("s", [{ id: "b", expiresAt: Date.now() }])).toEqual([false]);
      proxy.received.length = 0;
      expect(await mine.touch("s", [{ id: "a", expiresAt: Date.now() }])).toEqual([true]);
      expect(proxy.received).toEqual([expect.stringMatching(/^mg [^\n]*\n$/)]);
      await Promise.all([mine.disconnect(), other.disconnect()]);
      await proxy.close();
    });

    it("send no value that the reader knows, if it was seen over this connection", async () => {
      const prefix = `${randomUUID()}:`;
      const proxy = await between(url);
      const mine = await connected({ url: proxy.url, prefix });
      const other = await connected({ url, prefix });
      const written = ["a", "b", "c", "d"].map((id) => entry(id));
      const [a, b, c, d] = written as [Write, Write, Write, Write];
      const theirs = change(b, { json: '"theirs"' });
      const expiresAt = Date.now() + 2 * HOUR_MS;
      await mine.write("s", written);
      await other.write("s", [theirs]);
      await other.touch("s", [{ id: "c", expiresAt }]);
      await other.del("s", [{ id: "d" }]);
      const asked = async (...entries: readonly Write[]) => {
        proxy.received.length = 0;
        return mine.read(
          "s",
          entries.map(({ id, version }) => ({ id, known: version })),
        );
      };

      expect(await asked(a)).toEqual([asItIs(a)]);
      expect(proxy.received).toEqual([`mg ${prefix}s:a c\r\n`]);
      expect(await asked(a, b, c, d)).toEqual([
        asItIs(a),
        asItIs(theirs),
        { ...asItIs(c), expiresAt },
        null,
      ]);
      expect(proxy.received.map((text) => text.replaceAll(`${prefix}s:`, ""))).toEqual([
        "mg a c\r\nmg b c\r\nmg c c\r\nmg d c\r\n",
        "mg b v c\r\nmg c v c\r\n",
      ]);
      expect(await asked(entry("a"))).toEqual([asItIs(a)]);
      expect(proxy.received).toEqual([`mg ${prefix}s:a v c\r\n`]);
      await Promise.all([mine.disconnect(), other.disconnect()]);
      await proxy.close();
    });

    it("answers may come in pieces", async () => {
      const proxy = await between(url, 7);
      const driver = await connected({ url: proxy.url, prefix: `${randomUUID()}:` });
      const written = ["{}", '"\\r\\nVA 2\\r\\n"', JSON.stringify("ü漢".repeat(300)), '"end"'].map(
        (json, i) => entry(`${i}`, { json }),
      );

      await driver.write("s", written);
      const found = await driver.read(
        "s",
        [...written, entry("missing")].map(({ id }) => ({ id })),
      );

      expect(found).toEqual([...written.map(asItIs), null]);
      await driver.disconnect();
      await proxy.close();
    });
  });

  describe("a server that starts again", () => {
    it("and counts anew, does not take another entry for the one that was seen", async () => {
      const own = await ownServer("memcached");
      const [mine, other] = [memcachedDriver({ url: own.url }), memcachedDriver({ url: own.url })];
      await Promise.all([mine.connect({}), other.connect({})]);
      const first = entry("a");
      expect(await mine.write("s", [first])).toEqual(["done"]);
      await own.kill();
      await own.start();
      const second = entry("a");
      await waitFor(async () => expect(await other.write("s", [second])).toEqual(["done"]));

      const results = [
        await mine.write("s", [change(first)]),
        await mine.del("s", [{ id: "a", if: first.version }]),
      ];

      expect(results).toEqual([[{ conflict: asItIs(second) }], [false]]);
      await Promise.all([mine.disconnect(), other.disconnect()]);
      await own.close();
    });

    it("is found again without a restart, and calls in between fail at once", async () => {
      const own = await ownServer("memcached");
      const driver = await connected({ url: own.url });
      await driver.write("s", [entry("a")]);
      await own.kill();
      const begun = performance.now();
      await waitFor(async () =>
        expect(await driver.read("s", [{ id: "a" }])).toEqual([expect.any(Error)]),
      );
      expect(performance.now() - begun).toBeLessThan(3000);
      await own.start();

      await waitFor(async () => expect(await driver.read("s", [{ id: "a" }])).toEqual([null]));
      expect(await driver.write("s", [entry("a")])).toEqual(["done"]);
      await driver.disconnect();
      await own.close();
    });

    it("is given up when it says nothing, and connected to anew", async () => {
      const own = await ownServer("memcached");
      const driver = await connected({ url: own.url });
      await driver.write("s", [entry("a")]);
      await own.pause();

      const [error] = await driver.read("s", [{ id: "a" }]);
      await own.resume();

      expect(error).toMatchObject({ message: expect.stringContaining("has not answered") });
      await waitFor(async () =>
        expect(await driver.read("s", [{ id: "a" }])).toMatchObject([{ id: "a" }]),
      );
      await driver.disconnect();
      await own.close();
    });
  });

  describe("several servers", () => {
    it("share the entries, and one that is down fails its own only", async () => {
      const own = await Promise.all([0, 1, 2].map(() => ownServer("memcached")));
      const servers = own.map((each) => each.url.replace("memcached://", ""));
      const driver = await connected({ servers });
      const ids = Array.from({ length: 300 }, (_, i) => `${i}`);
      const written = ids.map((id) => entry(id));
      await driver.write("s", written);

      const again = await connected({ url: `memcached://${servers.toReversed()}` });
      const reads = ids.map((id) => ({ id }));
      expect(await again.read("s", reads)).toEqual(written.map(asItIs));
      await again.disconnect();

      await own[1]?.kill();
      await waitFor(async () => {
        const found = await driver.read("s", reads);
        const failed = found.filter((each) => each instanceof Error).length;
        expect(failed).toBeGreaterThan(60);
        expect(failed).toBeLessThan(140);
        expect(found.filter((each) => each === null)).toEqual([]);
      });
      const late = await connected({ servers });
      const found = await late.read("s", reads);
      expect(found.filter((each) => each instanceof Error).length).toBeGreaterThan(60);
      await late.disconnect();
      await driver.disconnect();
      await Promise.all(own.map((each) => each.close()));
    });
  });

  describe("a connection", () => {
    it("cannot be had without any server, can be tried again, and fails no later call", async () => {
      const own = await ownServer("memcached");
      await own.stop();
      const driver = memcachedDriver({ url: own.url });

      await expect(driver.connect({})).rejects.toMatchObject({ code: "ECONNREFUSED" });
      await own.start();
      await waitFor(() => driver.connect({}));

      expect(await driver.write("s", [entry("a")])).toEqual(["done"]);
      await driver.disconnect();
      await own.close();
    });

    it("is closed by disconnect, after the answers to what was asked before", async () => {
      const proxy = await between(url);
      const driver = await connected({ url: proxy.url, prefix: `${randomUUID()}:` });
      const written = driver.write("s", [entry("a")]);
      // The command goes out in the next turn of promises.
      await new Promise((resolve) => setImmediate(resolve));

      await driver.disconnect();

      expect(await written).toEqual(["done"]);
      await waitFor(() => expect(proxy.connections()).toBe(0));
      await expect(driver.read("s", [{ id: "a" }])).rejects.toMatchObject({
        code: "DATABANK_NOT_CONNECTED",
      });
      await proxy.close();
    });
  });
});

describe("a server that is not as it should be", () => {
  const greeting = (line: string) => (line === "mn" ? "MN\r\n" : undefined);

  it.each([
    ["an old one, or another", "ERROR\r\n"],
    ["one that asks for a password", "CLIENT_ERROR unauthenticated\r\n"],
  ])("is refused: %s", async (_name, answer) => {
    const server = await imitation(() => answer);

    await expect(memcachedDriver({ url: server.url }).connect({})).rejects.toMatchObject({
      message: expect.stringContaining("needs memcached 1.6 without a password"),
    });
    await waitFor(() => expect(server.connections()).toBe(0));
    await server.close();
  });

  it("says what it says when it has no connection left", async () => {
    const server = await imitation(() => "ERROR Too many open connections\r\n");

    await expect(memcachedDriver({ url: server.url }).connect({})).rejects.toMatchObject({
      message: "memcached answered ERROR Too many open connections",
    });
    await waitFor(() => expect(server.connections()).toBe(0));
    await server.close();
  });

  it("may go away in the middle of an answer, which then counts for nothing", async () => {
    const record = "@1 0 never a.b\n{}";
    const answers = [`VA ${record.length} c5\r\n@1 0 nev`, "HD c6", "HD c6\r\n", "HD c"];
    const server = await imitation(
      (line) => greeting(line) ?? (/^m/.test(line) ? answers.shift() : ""),
    );
    const driver = await connected({ url: server.url });
    const calls = [
      () => driver.read("s", [{ id: "a" }]),
      () => driver.write("s", [entry("a")]),
      () => driver.write("s", [entry("a"), entry("b")]),
    ];

    for (const call of calls) {
      server.received.length = 0;
      const results = call();
      await waitFor(() => expect(server.received.join("")).toMatch(/^m[gs]/m));
      // What has been answered arrives before the end does.
      await new Promise((resolve) => setTimeout(resolve, 20));
      server.disconnect();

      for (const result of await results) expect(result).toBeInstanceOf(Error);
    }
    expect(answers).toEqual([]);
    await driver.disconnect();
    await server.close();
  });

  it("is not asked again and again", async () => {
    const server = await imitation(() => "ERROR\r\n");
    const driver = memcachedDriver({ url: server.url });

    await expect(driver.connect({})).rejects.toThrow();
    // At once, so that the pause after a failure is not over, however busy the machine is.
    vi.spyOn(performance, "now").mockReturnValue(performance.now());
    for (let i = 0; i < 5; i += 1) await expect(driver.connect({})).rejects.toThrow();
    vi.restoreAllMocks();

    expect(server.received.length).toBeLessThanOrEqual(2);
    await server.close();
  });

  it("is refused where it does not count changes", async () => {
    const server = await imitation((line) => greeting(line) ?? "VA 2 c0\r\n{}\r\n");
    const driver = await connected({ url: server.url });

    const [error] = await driver.read("s", [{ id: "a" }]);

    expect(error).toMatchObject({ message: expect.stringContaining("started with -C") });
    await driver.disconnect();
    await server.close();
  });

  it("fails what it has no memory for, and nothing else", async () => {
    let isFirst = true;
    const server = await imitation((line) => {
      if (!line.startsWith("ms")) return greeting(line);
      const answer = isFirst ? "SERVER_ERROR out of memory storing object" : "HD c7";
      isFirst = false;
      return `${answer}\r\n`;
    });
    const driver = await connected({ url: server.url });

    const results = await driver.write("s", [entry("a"), entry("b")]);

    expect(results).toEqual([
      expect.objectContaining({ message: expect.stringContaining("out of memory") }),
      "done",
    ]);
    await driver.disconnect();
    await server.close();
  });

  it("is left when it answers what cannot be understood", async () => {
    let answers = 0;
    const server = await imitation((line) => {
      if (!line.startsWith("mg")) return greeting(line);
      answers += 1;
      return answers <= 2 ? "CLIENT_ERROR bad command line format\r\n" : "EN\r\n";
    });
    const driver = await connected({ url: server.url });
    const reads = ["a", "b"].map((id) => ({ id }));

    expect(await driver.read("s", reads)).toEqual([expect.any(Error), expect.any(Error)]);
    expect(await driver.read("s", reads)).toEqual([null, null]);
    await driver.disconnect();
    await server.close();
  });

  it("is given up when others are always faster", async () => {
    const record = "@1 0 never a.b\n{}";
    const server = await imitation((line) => {
      if (line.startsWith("mg")) return `VA ${record.length} c5\r\n${record}\r\n`;
      return line.startsWith("ms") ? "EX\r\n" : greeting(line);
    });
    const driver = await connected({ url: server.url });

    const write = entry("a", { version: "a.c", if: "a.b" });

    expect(await driver.write("s", [write])).toMatchObject([{ code: "DATABANK_CONFLICT" }]);
    await driver.disconnect();
    await server.close();
  });
});

describe("keys", () => {
  it("are what memcached takes, and each of one entry only", () => {
    const names = ["", ":", "a", "a:b", "b", "%", "%003a", "%h", " ", "\0", "\n", "é", "\ud800"];
    const long = names.map((name) => name + "x".repeat(250));
    const keys = new Map<string, string>();
    for (const type of [...names, ...long]) {
      for (const id of [...names, ...long]) {
        const { text } = keyOf("p:", type, id);
        expect(text).toMatch(/^p:[!-~]{1,248}$/);
        expect(keys.get(text)).toBeUndefined();
        keys.set(text, `${type} ${id}`);
      }
    }
  });

  it("stay on their servers when there is one more or less", () => {
    const names = ["a:11211", "b:11211", "c:11211", "d:11211"];
    const [four, three] = [placement(names), placement(names.slice(0, 3))];
    const keys = Array.from({ length: 40_000 }, (_, i) => keyOf("", "session", `${i}`).text);
    const counts = [0, 0, 0, 0];
    let moved = 0;
    for (const key of keys) {
      const place = four(key);
      counts[place] = (counts[place] ?? 0) + 1;
      if (place !== 3 && place !== three(key)) moved += 1;
    }

    expect(moved).toBe(0);
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });
});

describe("what was seen lately", () => {
  const seen = (length: number) => ({
    cas: "1",
    entry: { ...entry("a"), json: "x".repeat(length) },
  });

  it("is remembered as long as it is used, and bounded", () => {
    const recent = new Recent();
    recent.set("used", seen(1));
    recent.set("unused", seen(1));
    for (let i = 0; i < 50_000; i += 1) {
      recent.set(`${i}`, seen(100));
      if (i % 1000 === 0) recent.get("used");
    }

    expect(recent.get("used")).toBeDefined();
    expect(recent.get("unused")).toBeUndefined();
    const left = Array.from({ length: 50_000 }, (_, i) => recent.get(`${i}`)).filter(Boolean);
    expect(left.length).toBeLessThanOrEqual(20_000);
  });

  it("has no room for what is very long", () => {
    const recent = new Recent();
    recent.set("a", seen(1));
    recent.set("a", seen(1_000_000));
    for (let i = 0; i < 100; i += 1) recent.set(`${i}`, seen(190_000));

    expect(recent.get("a")).toBeUndefined();
    const left = Array.from({ length: 100 }, (_, i) => recent.get(`${i}`)).filter(Boolean);
    expect(left.length).toBeLessThanOrEqual(45);
  });
});

describe("options", () => {
  it.each([
    [{}, "url must be a text"],
    [{ url: "memcached:" }, "names servers and nothing else"],
    [{ url: "memcached://a/b" }, "names servers and nothing else"],
    [{ url: "memcached://user:secret@a" }, "no user and no password"],
    [{ url: "memcached://a,,b" }, "Each of servers must be a text"],
    [{ url: "memcached://a:0" }, "Each server must be a host and a port"],
    [{ url: "memcached://a:port" }, "Each server must be a host and a port"],
    [{ url: "memcached://a,A:11211" }, "must not name one server twice"],
    [{ url: "memcached://a?prefx=b" }, "did you mean prefix"],
    [{ url: "memcached://a?maxValueBytes=b" }, "maxValueBytes must be a number"],
    [{ url: "memcached://a", maxValueBytes: 0 }, "maxValueBytes must be a whole number"],
    [{ url: "memcached://a", prefix: "a b" }, "prefix must be a text"],
    [{ url: "memcached://a", prefix: "x".repeat(101) }, "prefix must be a text"],
    [{ url: "memcached://a", servers: ["a"] }, "has no option url"],
    [{ servers: [] }, "servers must be an array"],
    [{ servers: "a" }, "servers must be an array"],
    [{ servers: ["a"], expire: 5 }, "has no option expire"],
  ])("refused: %j", (options, message) => {
    const given: unknown = options;
    const make = () => memcachedDriver(given as Parameters<typeof memcachedDriver>[0]);
    expect(make).toThrow(message);
    expect(make).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining("secret") }),
    );
  });

  it.each([
    [{ url: "memcached://[::1]:11211,example.com/" }],
    [{ servers: ["127.0.0.1", "cache-2.example.com:11212"], prefix: "shop:" }],
  ])("accepted: %j", (options) => {
    expect(memcachedDriver(options).name).toBe("memcached");
  });
});
