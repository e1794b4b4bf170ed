import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type { Driver, Schema } from "../../src/databank/driver.js";
import { indexesFor, keysOf } from "../../src/drivers/couchbase/statements.js";
import { type CouchbaseCluster, couchbaseDriver } from "../../src/drivers/couchbase.js";
import { clear, count } from "../../src/testing/driver/listing.js";
import { testDriver } from "../../src/testing/index.js";
import { entry } from "../support/entry.js";
import { describeServer } from "../support/servers.js";
import {
  bucketOf,
  collectionOf,
  type OwnCluster,
  openCluster,
  spied,
} from "./couchbase-cluster.js";

describe("statements", () => {
  const page = { limit: 10, cursor: null };

  it("ask for the keys of a type in order, and bind every value", () => {
    expect(keysOf("`b`.`s`.`c`", "session", "p/session:", page)).toEqual({
      statement:
        "SELECT RAW META(d).id FROM `b`.`s`.`c` AS d WHERE d.`type` = $type AND META(d).id >= $from AND META(d).id < $to ORDER BY META(d).id LIMIT $limit",
      parameters: { type: "session", from: "p/session:", to: "p/session;", limit: 10 },
    });
    expect(keysOf("`b`", "t", "t:", { limit: 1, cursor: "t:a" })).toMatchObject({
      statement: expect.stringContaining("META(d).id > $from AND"),
      parameters: { from: "t:a" },
    });
  });

  it.each([
    ["user.id", "7", "IFMISSING(d.`value`.`user.id`, d.`value`.`user`.`id`) = $v0"],
    ["tag", '"x"', "d.`value`.`tag` = $v0"],
    ["tag", "null", "d.`value`.`tag` IS NULL"],
    ["a`b", "1", "d.`value`.`a``b` = $v0"],
    ["a.0", "1", "IFMISSING(d.`value`.`a.0`, d.`value`.`a`.`0`, d.`value`.`a`[0]) = $v0"],
    [
      "a.b.c",
      "1",
      "IFMISSING(d.`value`.`a.b.c`, d.`value`.`a`.`b.c`, d.`value`.`a`.`b`.`c`) = $v0",
    ],
  ])("look where the databank looks for %s", (path, json, condition) => {
    const { statement } = keysOf("`b`", "t", "t:", page, [{ path, json }]);
    expect(statement).toContain(` AND ${condition} ORDER BY`);
  });

  it.each([
    ["tag", "{}"],
    ["tag", "[1]"],
    ["tag", '"\\ud800"'],
    ["a\\b", "1"],
    ["a\0", "1"],
  ])("leave to the databank what they cannot say: %j = %s", (path, json) => {
    const { statement } = keysOf("`b`", "t", "t:", page, [{ path, json }]);
    expect(statement).toContain("META(d).id < $to ORDER BY");
  });

  it("make an index for each path, whatever types it is of", () => {
    const schema = { a: { indices: ["user.id", "tag"] }, b: { indices: ["tag", "a\0"] }, c: {} };
    expect(indexesFor("`b`", schema).map((each) => each.replace(/_[0-9a-f]{12}/, ""))).toEqual([
      "CREATE INDEX `databank_type` IF NOT EXISTS ON `b` (`type`, META().id)",
      "CREATE INDEX `databank_search` IF NOT EXISTS ON `b` (`type`, IFMISSING(`value`.`user.id`, `value`.`user`.`id`), META().id)",
      "CREATE INDEX `databank_search` IF NOT EXISTS ON `b` (`type`, `value`.`tag`, META().id)",
    ]);
  });
});

describeServer("COUCHBASE_URL", (url) => {
  let cluster: OwnCluster;
  const keys = new Set<string>();
  beforeAll(async () => {
    cluster = await openCluster(url);
  });
  afterAll(async () => {
    await cluster.close();
  });

  /**
   * The vendor's test server has no query service. This is one that finds keys by their range,
   * as the statements ask for them; it says nothing of what a real one makes of the statements.
   */
  function listing(onStatement?: (statement: string) => unknown): CouchbaseCluster {
    const documents = () => collectionOf(cluster, url);
    async function query(statement: string, options: object = {}) {
      await onStatement?.(statement);
      if (statement.startsWith("CREATE")) return { rows: [] };
      const { from, to, limit, now } = Object(Object(options).parameters);
      const inRange = [...keys].filter((key) => key >= from && key < to).sort();
      const found = await Promise.all(
        inRange.map((key) =>
          documents()
            .get(key)
            .then(({ content }) => ({ key, expiresAt: content.expiresAt }))
            .catch(() => null),
        ),
      );
      const present = found.filter((each) => each !== null);
      if (statement.includes("COUNT(*)")) {
        const isLive = (at: unknown) => at === null || Number(at) > now;
        return { rows: [present.filter(({ expiresAt }) => isLive(expiresAt)).length] };
      }
      const after = present.filter(({ key }) => statement.includes(">= $from") || key !== from);
      return { rows: after.slice(0, limit).map(({ key }) => key) };
    }
    const collections = spied(cluster, (method, key) => {
      if (["insert", "upsert", "replace"].includes(method)) keys.add(key);
    });
    return { bucket: (name) => collections.bucket(name), query };
  }

  async function connected(from: CouchbaseCluster, schema: Schema = {}): Promise<Driver> {
    const driver = couchbaseDriver({ cluster: from, bucket: bucketOf(url), prefix: "listing/" });
    await driver.connect(schema);
    return driver;
  }

  describe("with a query service", () => {
    testDriver({ describe, it }, { open: (schema) => connected(listing(), schema) });

    it("finds what a database's own idea of paths would miss", async () => {
      const type = `test-${randomUUID()}`;
      const schema = { [type]: { indices: ["user.id"] } };
      const bank = new Databank(await connected(listing(), schema), { schema });
      await bank.create(type, "a", { "user.id": 7 });
      await bank.create(type, "b", { user: { id: 7 } });
      await bank.create(type, "c", { user: { id: "7" } });

      const found: string[] = [];
      for await (const { id } of bank.search(type, { "user.id": 7 })) found.push(id);

      expect(found.sort()).toEqual(["a", "b"]);
      await bank.disconnect();
    });

    it("clears more than it asks for at a time, expired and corrupt entries too", async () => {
      const type = `test-${randomUUID()}`;
      const driver = await connected(listing());
      const ids = Array.from({ length: 1100 }, (_, i) => `${i}`);
      for (let i = 0; i < ids.length; i += 100) {
        await driver.write(
          type,
          ids.slice(i, i + 100).map((id) => entry(id)),
        );
      }
      await collectionOf(cluster, url).upsert(`listing/${type}:7`, { type });

      expect((await driver.scan?.(type, { limit: 1000, cursor: null }))?.entries.length).toBe(999);
      await clear(driver, type);

      expect(await count(driver, type)).toBe(0);
      await expect(collectionOf(cluster, url).get(`listing/${type}:7`)).rejects.toThrow();
    });
  });

  describe("the capabilities", () => {
    const named = (name: string) => Object.assign(new Error(name), { name });

    it("are those of the cluster, once connected", async () => {
      const without = await connected(cluster);
      if (without.capabilities.scan) return;
      expect(without.scan).toBeUndefined();

      const driver = await connected(listing());
      expect(driver.capabilities).toMatchObject({ scan: true, search: true });
    });

    it("do not depend on the right to make indexes", async () => {
      const driver = await connected(
        listing((statement) => {
          if (statement.startsWith("CREATE")) throw named("AuthenticationFailureError");
        }),
      );
      expect(driver.capabilities.scan).toBe(true);
    });

    it("are there where somebody else is still making the index", async () => {
      let questions = 0;
      const driver = await connected(
        listing((statement) => {
          if (statement.startsWith("CREATE")) throw named("IndexExistsError");
          questions += 1;
          if (questions < 3) throw named("PlanningFailureError");
        }),
      );

      expect(driver.capabilities.scan).toBe(true);
      expect(questions).toBe(3);
    });

    it("are not waited for where there is no query service, or none that one may ask", async () => {
      for (const name of ["ServiceNotAvailableError", "AuthenticationFailureError"]) {
        let questions = 0;
        const driver = await connected(
          listing((statement) => {
            if (!statement.startsWith("CREATE")) questions += 1;
            throw named(name);
          }),
        );

        expect(driver.capabilities.scan).toBe(false);
        expect(questions).toBe(1);
      }
    });

    it("are not guessed where the query service is silent", async () => {
      const silent = listing(() => {
        throw named("UnambiguousTimeoutError");
      });
      await expect(connected(silent)).rejects.toThrow("UnambiguousTimeoutError");
    });

    it("are what was asked for", async () => {
      const options = { bucket: bucketOf(url), cluster: listing() };
      const none = couchbaseDriver({ ...options, listing: "none" });
      await none.connect({});
      expect(none.capabilities.scan).toBe(false);

      const refusing = listing(() => {
        throw named("ServiceNotAvailableError");
      });
      const query = couchbaseDriver({ ...options, cluster: refusing, listing: "query" });
      expect(query.capabilities.scan).toBe(true);
      await expect(query.connect({})).rejects.toThrow("ServiceNotAvailableError");
    });
  });
});
