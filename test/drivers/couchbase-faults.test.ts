import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import type { OwnCouchbase } from "../../scripts/servers/index.mjs";
import { Databank } from "../../src/databank/databank.js";
import { DatabankError } from "../../src/databank/errors.js";
import { nextVersion } from "../../src/databank/version.js";
import { registerDrivers } from "../../src/drivers/catalog.js";
import { resolveOptions } from "../../src/drivers/couchbase/options.js";
import { type CouchbaseOptions, couchbaseDriver } from "../../src/drivers/couchbase.js";
import { entry } from "../support/entry.js";
import { describeServer, ownServer } from "../support/servers.js";
import { collectionOf, openCluster } from "./couchbase-cluster.js";

registerDrivers();

const TIMEOUT_MS = 1000;
const TEMPORARY_FAILURE = 0x86;

/** Faults from which the server comes back with its data, and how each ends. */
const FAULTS: readonly ((own: OwnCouchbase) => Promise<() => Promise<void>>)[] = [
  async (own) => {
    await own.pause();
    return () => own.resume();
  },
  async (own) => {
    await own.control("hiccup", { msecs: 2 * TIMEOUT_MS, offset: 1 });
    return () => own.control("hiccup", { msecs: 0, offset: 0 });
  },
  async (own) => {
    await own.control("opfail", { code: TEMPORARY_FAILURE, count: -1 });
    return () => own.control("opfail", { code: 0, count: 0 });
  },
];

describeServer("COUCHBASE_URL", (url) => {
  it("loses nothing acknowledged in five outages, and goes on after each", async () => {
    const own = await ownServer("couchbase");
    const bank = Databank.open(own.url, { timeoutMs: TIMEOUT_MS });
    const workers = Array.from({ length: 8 }, () => ({ asked: 0, done: 0, failed: 0 }));
    const acknowledged: string[] = [];
    let isOver = false;
    const working = workers.map(async (worker, i) => {
      while (!isOver) {
        worker.asked += 1;
        // Each an entry of its own, so that no later write hides that one was lost.
        const id = `${i}-${worker.asked}`;
        try {
          await bank.create("job", id, { id });
          worker.done = worker.asked;
          acknowledged.push(id);
        } catch (error) {
          expect(error).toBeInstanceOf(DatabankError);
          worker.failed += 1;
        }
      }
    });
    const all = async (isTrue: (worker: (typeof workers)[number], i: number) => boolean) => {
      while (!workers.every(isTrue)) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    try {
      for (let outage = 0; outage < 5; outage += 1) {
        const asked = workers.map((worker) => worker.asked);
        await all(({ done }, i) => done > (asked[i] ?? 0) + 3);
        const failed = workers.map((worker) => worker.failed);
        const end = await FAULTS[outage % FAULTS.length]?.(own);
        await all((worker, i) => worker.failed > (failed[i] ?? 0));
        await end?.();
      }
      const asked = workers.map((worker) => worker.asked);
      await all(({ done }, i) => done > (asked[i] ?? 0));
    } finally {
      isOver = true;
      await Promise.all(working);
    }

    for (const id of acknowledged) {
      expect((await bank.find("job", id))?.value, id).toEqual({ id });
    }
    await bank.disconnect();
    await own.close();
  });

  it("lets the server delete what is long expired, and nothing that is live", async () => {
    const own = await ownServer("couchbase");
    const cluster = await openCluster(own.url);
    const documents = collectionOf(cluster, own.url);
    const isThere = (id: string) =>
      documents.get(`t:${id}`).then(
        () => true,
        () => false,
      );
    const driver = couchbaseDriver({ cluster, bucket: "default" });
    await driver.connect({});
    const soon = Date.now() + 60_000;
    const later = soon + 3_600_000;
    const ids = ["created", "saved", "updated", "touched", "touched for ever", "never"];
    const [created, saved, updated, touched, kept] = ids.map((id) =>
      entry(id, { expiresAt: soon }),
    );
    if (!created || !saved || !updated || !touched || !kept) throw new Error("unreachable");
    await driver.write("t", [{ ...created, if: "absent" }, saved, updated, touched, kept]);
    await driver.write("t", [
      { ...updated, if: updated.version, version: nextVersion(updated.version) },
      entry("never", { expiresAt: null }),
    ]);
    await driver.touch("t", [
      { id: "touched", expiresAt: later },
      { id: "touched for ever", expiresAt: null },
    ]);

    // A database that is two minutes ahead.
    await own.control("time_travel", { Offset: 120 });
    expect(await Promise.all(ids.map(isThere))).toEqual(ids.map(() => true));

    await own.control("time_travel", { Offset: 700 });
    expect(await Promise.all(ids.map(isThere))).toEqual([false, false, false, true, true, true]);
    await own.control("time_travel", { Offset: 3600 });
    expect(await Promise.all(ids.map(isThere))).toEqual([false, false, false, false, true, true]);

    await cluster.close();
    await own.close();
  });

  it("tells no id, and no password, in an error", async () => {
    const own = await ownServer("couchbase");
    const driver = couchbaseDriver({ url: `${own.url}?kv_timeout=300`, password: "" });
    await driver.connect({});
    await own.pause();

    const failed = await Promise.resolve(driver.read("session", [{ id: "secret-id" }])).then(
      () => undefined,
      (error: unknown) => error,
    );

    await own.resume();
    expect(failed).toBeInstanceOf(Error);
    expect(driver.retry?.(failed)).toBe("never");
    expect(inspect(failed, { depth: 10, showHidden: true })).not.toContain("secret-id");
    await driver.disconnect();
    await own.close();
  });

  it("refuses what does not fit, and not its neighbour", async () => {
    const driver = couchbaseDriver({ url: `${url}?prefix=large/` });
    await driver.connect({});
    const { maxValueBytes } = driver.capabilities;
    const large = JSON.stringify("x".repeat(maxValueBytes ?? 0));
    // Kept a second time, as text.
    const doubled = JSON.stringify(`\ud800${"x".repeat(11_000_000)}`);
    const json = [large, '"small"', doubled];

    const results = await driver.write(
      "t",
      json.map((each, i) => entry(`${i}`, { json: each })),
    );

    const refused = { code: "DATABANK_VALUE_TOO_LARGE" };
    expect(results).toMatchObject([refused, "done", refused]);
    await driver.disconnect();
  });

  describe("a connection", () => {
    it("to a server that is not there fails, and can be tried again", async () => {
      const own = await ownServer("couchbase");
      await own.stop();
      // Long enough for a busy machine to connect the second time.
      const driver = couchbaseDriver({ url: `${own.url}?bootstrap_timeout=4000` });

      await expect(driver.connect({})).rejects.toThrow("timeout");
      await own.start();
      await driver.connect({});

      expect(await driver.write("t", [entry("a")])).toEqual(["done"]);
      await driver.disconnect();
      await own.close();
    });

    it("to a bucket that is not there fails", async () => {
      const driver = couchbaseDriver({ url: url.replace(/\/[^/]*$/, "/none?kv_timeout=500") });
      await expect(driver.connect({})).rejects.toThrow();
    });

    it.each(["disconnect", "exit"])("lets the process end in order by %s", async (how) => {
      const child = fork(join(__dirname, "couchbase-process.mjs"), [url, how]);
      const [code, signal] = await once(child, "exit");
      expect([code, signal]).toEqual([0, null]);
    });
  });
});

describe("options of couchbase", () => {
  const base = "couchbase://u:p@h/b";
  it.each([
    ["couchbase://h", "must name a bucket"],
    ["couchbase://h/", "must name a bucket"],
    ["couchbase://h/b/s", "must be /bucket, or /bucket/scope/collection"],
    ["couchbase:b", "must be like couchbase://"],
    [`${base}?prefx=a`, "did you mean prefix"],
    [`${base}?durability=some`, "durability must be one of none, majority"],
    [`${base}?listing=scan`, "listing must be one of auto, query, none"],
    [`${base}?prefix=${"é".repeat(33)}`, "at most 64 bytes"],
    ["couchbase://%@h/b", "written as %25"],
    ["couchbase://u:p@verysecret@h/b", "what is special in the password as %40"],
    ["couchbase://u:p/verysecret@h/b", "what is special in the password as %40"],
  ])("refuses the URL %s", (url, message) => {
    expect(() => couchbaseDriver({ url })).toThrow(message);
    expect(() => couchbaseDriver({ url })).not.toThrow("verysecret");
  });

  it.each([
    [{}, "url must be a text"],
    [{ url: base, bukcet: "b" }, "did you mean bucket"],
    [{ url: base, client: 1 }, "client must be an object"],
    [{ url: base, bucket: "" }, "bucket must be a text"],
    [{ url: base, username: 7 }, "username must be a text"],
    [{ url: base, password: null }, "password must be a text"],
    [{ cluster: {}, bucket: "b" }, "cluster must be a Cluster"],
    [{ cluster: { bucket() {} } }, "must name a bucket"],
    [{ cluster: { bucket() {} }, bucket: "b", url: base }, "has no option url"],
  ])("refuses the options %j", (options, message) => {
    const given: unknown = options;
    expect(() => couchbaseDriver(given as CouchbaseOptions)).toThrow(message);
  });

  it.each([
    ["couchbase://h/b", "couchbase://h", {}, ["b", "_default", "_default"]],
    [
      "couchbases://u:p%40%3A@h1,h2:11207/b%2F/s/c?network=external&tls_verify=none&prefix=x",
      "couchbases://h1,h2:11207?network=external&tls_verify=none",
      { username: "u", password: "p@:" },
      ["b/", "s", "c"],
    ],
    [
      "COUCHBASE://u@[::1]:1/b",
      "couchbase://[::1]:1",
      { username: "u", password: "" },
      ["b", "_default", "_default"],
    ],
  ])("understands %s", (url, connectionString, connectOptions, place) => {
    const { bucket, scope, collection, ...settings } = resolveOptions({ url });
    expect(settings).toMatchObject({ connectionString, connectOptions });
    expect([bucket, scope, collection]).toEqual(place);
  });
});
