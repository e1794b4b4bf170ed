import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Driver } from "../../src/databank/driver.js";
import { nextVersion } from "../../src/databank/version.js";
import { type CouchbaseOptions, couchbaseDriver } from "../../src/drivers/couchbase.js";
import { entry, HOUR_MS } from "../support/entry.js";
import { describeServer } from "../support/servers.js";
import {
  bucketOf,
  collectionOf,
  type OwnCluster,
  type OwnCollection,
  openCluster,
  spied,
} from "./couchbase-cluster.js";

describeServer("COUCHBASE_URL", (url) => {
  let cluster: OwnCluster;
  let documents: OwnCollection;
  const opened: Driver[] = [];
  beforeAll(async () => {
    cluster = await openCluster(url);
    documents = collectionOf(cluster, url);
  });
  afterAll(async () => {
    await Promise.all(opened.map((driver) => driver.disconnect()));
    await cluster.close();
  });

  async function connected(options: Partial<CouchbaseOptions> = {}): Promise<Driver> {
    const driver = couchbaseDriver({
      cluster,
      bucket: bucketOf(url),
      ...options,
    } as CouchbaseOptions);
    await driver.connect({});
    opened.push(driver);
    return driver;
  }

  /** A driver, and the calls that it makes to the server from now on. */
  async function counted() {
    const calls: string[] = [];
    const driver = await connected({ cluster: spied(cluster, (method) => calls.push(method)) });
    calls.length = 0;
    const taken = () => calls.splice(0);
    return { driver, taken };
  }

  const freshType = () => `test-${randomUUID()}`;

  describe("a document", () => {
    it("is what a user of Couchbase expects", async () => {
      const type = freshType();
      const driver = await connected();
      const written = entry("a:b", { json: '{"user":{"id":7}}', expiresAt: null });

      await driver.write(type, [written]);

      const { content } = await documents.get(`${type}:a:b`);
      const { id, version, createdAt, expiresAt } = written;
      expect(content).toEqual({
        value: { user: { id: 7 } },
        type,
        id,
        version,
        createdAt,
        expiresAt,
      });
    });

    it("has the value as text too where tools would spoil it", async () => {
      const type = freshType();
      const driver = await connected();
      const values = ["-0", "[1,-0]", '"\\ud800"'];

      for (const json of values) await driver.write(type, [entry(json, { json })]);
      const plain = ['"-0.5"', "[-0.5]", '"\\\\ux"', '{"a":-1}'];
      for (const json of plain) await driver.write(type, [entry(json, { json })]);

      for (const json of values) {
        const { content } = await documents.get(`${type}:${json.replace("%", "%25")}`);
        expect(content.text).toBe(json);
        expect(content).toHaveProperty("value");
      }
      for (const json of plain) {
        expect((await documents.get(`${type}:${json}`)).content).not.toHaveProperty("text");
      }
    });

    it("is read when tools have written it in another form", async () => {
      const type = freshType();
      const driver = await connected();
      const written = entry("a", { json: '{"b":[1]}' });
      const { id, version, createdAt, expiresAt } = written;

      for (const content of [
        { version, id, createdAt, expiresAt, type, value: { b: [1] } },
        { value: { b: [1] }, type, id, version, createdAt, expiresAt, note: "by hand" },
      ]) {
        await documents.upsert(`${type}:a`, content);
        expect(await driver.read(type, [{ id }])).toEqual([
          { id, json: '{"b":[1]}', version, createdAt, expiresAt },
        ]);
      }
    });

    it("that is no entry is told, taken for missing, and written over", async () => {
      const driver = await connected();
      const reports: string[] = [];
      driver.onCorrupt = ({ type }) => reports.push(type);
      const { version, createdAt } = entry("a");
      const contents = [
        Buffer.from([255, 0]),
        "text",
        "{",
        7,
        [],
        { user: 1 },
        { value: 1, version, createdAt, expiresAt: "soon" },
        { version, createdAt, expiresAt: null },
      ];

      for (const content of contents) {
        const type = freshType();
        await documents.upsert(`${type}:a`, content);

        expect(await driver.read(type, [{ id: "a" }])).toEqual([null]);
        expect(reports.splice(0)).toEqual([type]);
        expect(await driver.touch(type, [{ id: "a", expiresAt: null }])).toEqual([false]);
        expect(await driver.del(type, [{ id: "a" }])).toEqual([false]);
        expect(await driver.write(type, [entry("a", { if: "present" })])).toEqual([
          { conflict: null },
        ]);
        expect(await driver.write(type, [entry("a", { if: "absent" })])).toEqual(["done"]);
        expect((await driver.read(type, [{ id: "a" }]))[0]).toMatchObject({ json: "{}" });
        reports.length = 0;
      }
    });

    it("has a key that fits, however long type and id are", async () => {
      const keys: string[] = [];
      const driver = await connected({
        cluster: spied(cluster, (_method, key) => keys.push(key)),
        prefix: "p".repeat(64),
      });
      const texts = [251, 300, 5000].flatMap((length) => [
        "x".repeat(length),
        "漢".repeat(length),
        `${"x".repeat(length)}y`,
      ]);

      for (const type of ["", "t", "é".repeat(60), "t".repeat(99), "t".repeat(5000)]) {
        for (const id of texts) await driver.read(type, [{ id }]);
      }

      expect(Math.max(...keys.map((key) => Buffer.byteLength(key)))).toBeLessThanOrEqual(240);
      // The first is of the look at the bucket.
      expect(new Set(keys).size).toBe(1 + 5 * texts.length);
    });
  });

  describe("round trips", () => {
    it("are one for a create, a save, and a read", async () => {
      const type = freshType();
      const { driver, taken } = await counted();

      await driver.write(type, [entry("a", { if: "absent" })]);
      await driver.write(type, [entry("a")]);
      await driver.read(type, [{ id: "a" }]);

      expect(taken()).toEqual(["insert", "upsert", "get"]);
    });

    it("are one for every change of what this process has seen", async () => {
      const type = freshType();
      const { driver, taken } = await counted();
      const first = entry("a");
      const second = entry("a", { version: nextVersion(first.version), if: first.version });
      await (await connected()).write(type, [first]);
      await driver.read(type, [{ id: "a" }]);
      taken();

      await driver.write(type, [{ ...second, extend: true }]);
      await driver.touch(type, [{ id: "a", expiresAt: Date.now() + 2 * HOUR_MS }]);
      await driver.write(type, [entry("a", { if: "present" })]);
      await driver.del(type, [{ id: "a" }]);

      expect(taken()).toEqual(["replace", "mutateIn", "replace", "remove"]);
    });

    it("are a look alone for a touch that moves nothing", async () => {
      const type = freshType();
      const { driver, taken } = await counted();
      const written = entry("a");
      await driver.write(type, [written]);
      taken();

      for (const expiresAt of [written.expiresAt, Date.now() + 1000]) {
        expect(await driver.touch(type, [{ id: "a", expiresAt }])).toEqual([true]);
        expect(taken()).toEqual(["get"]);
      }
    });

    it("are two for a change of what it has not seen", async () => {
      const type = freshType();
      const { driver, taken } = await counted();
      const other = await connected();
      const written = ["a", "b", "c", "d"].map((id) => entry(id));
      for (const each of written) await other.write(type, [each]);
      const [a, b, c, d] = written.map(({ id }) => id);

      const { version } = written[0] ?? entry("");
      await driver.write(type, [entry(a ?? "", { if: version })]);
      await driver.touch(type, [{ id: b ?? "", expiresAt: Date.now() + 2 * HOUR_MS }]);
      await driver.write(type, [entry(c ?? "", { extend: true })]);
      await driver.del(type, [{ id: d ?? "" }]);

      expect(taken()).toEqual([
        "get",
        "replace",
        "get",
        "mutateIn",
        "get",
        "replace",
        "get",
        "remove",
      ]);
    });
  });

  describe("what it has seen and others have changed", () => {
    it("is not overwritten, and the change is told", async () => {
      const type = freshType();
      const [driver, other] = [await connected(), await connected()];
      const first = entry("a");
      await driver.write(type, [first]);
      const second = entry("a", { version: nextVersion(first.version), json: "2" });
      await other.write(type, [second]);

      const outdated = entry("a", { if: first.version });

      expect(await driver.write(type, [outdated])).toEqual([{ conflict: { ...second } }]);
    });

    it("keeps the deadline of a touch elsewhere, and its version", async () => {
      const type = freshType();
      const [driver, other] = [await connected(), await connected()];
      const first = entry("a");
      const expiresAt = Date.now() + 5 * HOUR_MS;
      await driver.write(type, [first]);
      await other.touch(type, [{ id: "a", expiresAt }]);

      const second = entry("a", { if: first.version, extend: true, json: "2" });

      expect(await driver.write(type, [second])).toEqual(["done"]);
      expect(await other.read(type, [{ id: "a" }])).toMatchObject([{ json: "2", expiresAt }]);
    });

    it("is not touched when it is gone, nor when the touch would not move it", async () => {
      const type = freshType();
      const [driver, other] = [await connected(), await connected()];
      await driver.write(type, [entry("a"), entry("b")]);
      await other.del(type, [{ id: "a" }, { id: "b" }]);

      expect(
        await driver.touch(type, [
          { id: "a", expiresAt: Date.now() + 2 * HOUR_MS },
          { id: "b", expiresAt: Date.now() + 1000 },
        ]),
      ).toEqual([false, false]);
    });

    it("is not touched to an earlier deadline than it has by now", async () => {
      const type = freshType();
      const [driver, other] = [await connected(), await connected()];
      const expiresAt = Date.now() + 5 * HOUR_MS;
      await driver.write(type, [entry("a")]);
      await other.touch(type, [{ id: "a", expiresAt }]);

      await driver.touch(type, [{ id: "a", expiresAt: Date.now() + 2 * HOUR_MS }]);

      expect(await other.read(type, [{ id: "a" }])).toMatchObject([{ expiresAt }]);
    });

    it("is not deleted when it has another version", async () => {
      const type = freshType();
      const [driver, other] = [await connected(), await connected()];
      const first = entry("a");
      await driver.write(type, [first]);
      await other.write(type, [entry("a")]);

      expect(await driver.del(type, [{ id: "a", if: first.version }])).toEqual([false]);
      expect((await other.read(type, [{ id: "a" }]))[0]).not.toBeNull();
    });
  });

  it("does not close a cluster that was passed in", async () => {
    const driver = await connected();
    await driver.disconnect();

    await expect(documents.upsert(freshType(), 1)).resolves.toBeDefined();
  });
});
