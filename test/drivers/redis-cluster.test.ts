import { inspect } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import type { ClusterNode, OwnRedisCluster } from "../../scripts/servers/index.mjs";
import { Databank } from "../../src/databank/databank.js";
import type { Driver, EntryPage } from "../../src/databank/driver.js";
import { redisDriver } from "../../src/drivers/redis.js";
import { clear, count } from "../../src/testing/driver/listing.js";
import { testDriver } from "../../src/testing/index.js";
import { entry } from "../support/entry.js";
import { expectFidelity } from "../support/fidelity.js";
import { testPromises } from "../support/promises.js";
import { describeServer, ownServer } from "../support/servers.js";
import { frozen, killed, progress, type Shopper, withShoppers } from "./redis-shoppers.js";

describeServer("REDIS_CLUSTER_URL", (url) => {
  const place = (name: string) => `${url}?prefix=${name}:`;

  for (const name of ["redis", "ioredis"] as const) {
    describe(`over ${name}`, () => {
      testDriver(
        { describe, it },
        {
          async open(schema) {
            const driver = redisDriver({ url: place("contract"), package: name });
            await driver.connect(schema);
            return driver;
          },
        },
      );

      it("does not tell the password that is refused", async () => {
        const to = url.replace("://", "://nobody:secret@");
        const driver = redisDriver({ url: to, package: name });

        const error: unknown = await driver.connect({}).catch((reason: unknown) => reason);

        expect(error).toBeInstanceOf(Error);
        expect(inspect(error, { depth: 20 })).not.toContain("secret");
      });

      it("gives back every value and every id as it was", () =>
        expectFidelity(() => new Databank(redisDriver({ url: place("fidelity"), package: name }))));
    });
  }

  it("works over clients of one's own, and closes none", async () => {
    const nodes = nodesIn(url);
    const [redis, ioredis, iovalkey] = await Promise.all(
      ["redis", "ioredis", "iovalkey"].map((name) => import(name)),
    );
    const first: OwnCluster = redis.createCluster({
      rootNodes: nodes.map((socket) => ({ socket })),
    });
    await first.connect();
    const second: OwnCluster = new ioredis.default.Cluster(nodes);
    const third: OwnCluster = new iovalkey.default.Cluster(nodes);
    try {
      for (const client of [first, second, third]) {
        const driver = redisDriver({ client, prefix: "own:" });
        await driver.connect({ session: { indices: ["n"] } });
        const write = { version: "a.0", createdAt: 1, expiresAt: null };
        const ids = Array.from({ length: 20 }, (_, i) => `${i}`);
        await driver.write(
          "session",
          ids.map((id) => ({ ...write, id, json: `{"n":${id}}` })),
        );
        const criteria = [{ path: "n", json: "7" }];
        for (let cursor: string | null | undefined = null; cursor !== undefined; ) {
          const page: EntryPage | undefined = await driver.search?.("session", criteria, {
            limit: 50,
            cursor,
          });
          cursor = page?.cursor ?? undefined;
        }
        const found = await driver.search?.("session", criteria, { limit: 50, cursor: null });

        expect(await count(driver, "session")).toBe(20);
        expect(found?.entries.map(({ id }) => id)).toEqual(["7"]);
        await clear(driver, "session");
        expect(await count(driver, "session")).toBe(0);
        await driver.disconnect();
      }
      expect(await first.sendCommand("a", true, ["GET", "a"])).toBeNull();
      expect(await second.call("GET", "a")).toBeNull();
      expect(await third.call("GET", "a")).toBeNull();
    } finally {
      first.destroy();
      second.disconnect();
      third.disconnect();
    }
  });

  it.each(["redis", "ioredis"])(
    "fails a listing over a client of %s that was closed",
    async (name) => {
      const module = await import(name);
      const client: OwnCluster =
        name === "redis"
          ? module.createCluster({ rootNodes: nodesIn(url).map((socket) => ({ socket })) })
          : new module.default.Cluster(nodesIn(url), { lazyConnect: true });
      await client.connect();
      const driver = redisDriver({ client, prefix: "closed:" });
      await driver.connect({});

      if (name === "redis") client.destroy();
      else client.disconnect();

      const page = Promise.resolve(driver.scan?.("session", { limit: 10, cursor: null }));
      await expect(page).rejects.toThrow();
    },
  );

  it("keeps deadlines over a client of one's own that is still connecting", async () => {
    const ioredis = await import(String("ioredis"));
    const client: OwnCluster = new ioredis.default.Cluster(nodesIn(url));
    onTestFinished(() => client.disconnect());
    const driver = redisDriver({ client, prefix: "connecting:" });
    const written = entry("a");

    await driver.connect({});
    await driver.write("session", [written]);

    expect(await driver.read("session", [{ id: "a" }])).toEqual([written]);
    await driver.disconnect();
  });

  testPromises("redis", {
    bank: () => place("promises"),
    url: () => place("promises"),
    frameworks: ["express 5"],
  });
});

/** Where the nodes of a cluster are, by its URL. */
function nodesIn(url: string) {
  const hosts = url.slice("redis+cluster://".length).split(",");
  return hosts.map((host) => ({ host: "127.0.0.1", port: Number(host.split(":")[1]) }));
}

/** A cluster client of either package, as far as these tests use it. */
interface OwnCluster {
  connect(): Promise<unknown>;
  sendCommand(key: string, isReadonly: boolean, args: readonly string[]): Promise<unknown>;
  call(...args: readonly string[]): Promise<unknown>;
  destroy(): void;
  disconnect(): void;
}

describe("a cluster of one's own", () => {
  for (const name of ["redis", "ioredis"] as const) {
    it(`loses no session when a master hands over in the middle of the load, over ${name}`, async () => {
      await withCluster(name, async ({ master, replica }, shoppers) => {
        await progress(shoppers);
        await replica.failover();
        await progress(shoppers);

        expect(await master.isMaster()).toBe(false);
      });
    });

    it(`goes on when a master is killed, with all sessions that its replica had, over ${name}`, async () => {
      await withCluster(name, async ({ master, replica }, shoppers) => {
        await progress(shoppers);
        await killed(shoppers, master, replica);
        await progress(shoppers);
      });
    });

    it(`goes on when a master freezes, which hangs up on nobody, over ${name}`, async () => {
      await withCluster(name, async ({ master, replica }, shoppers) => {
        await progress(shoppers);
        await frozen(shoppers, master, replica);
        await progress(shoppers);
        await master.resume();
      });
    });

    it(`lists every entry though a master is started again in the middle, over ${name}`, async () => {
      const { cluster, driver, ids } = await filledCluster(name);
      const first = await driver.scan?.("session", { limit: 5000, cursor: null });
      const master = cluster.nodes.find(({ port }) => first?.cursor?.includes(`:${port}"`));

      await master?.kill();
      await master?.start();
      await cluster.untilWhole();
      const { entries, pages } = await restOf(driver, first);

      expect(await master?.isMaster()).toBe(true);
      expect(new Set(entries.map(({ id }) => id)).size).toBe(ids.length);
      // Three walks of some four pages, one of them begun anew.
      expect(pages).toBeLessThan(25);
    });

    it(`does not take a listing for complete while a master is away, over ${name}`, async () => {
      const { cluster, driver, ids } = await filledCluster(name);
      const first = await driver.scan?.("session", { limit: 5000, cursor: null });
      const masters = await Promise.all(cluster.nodes.map((node) => node.isMaster()));
      const next = cluster.nodes.find(
        ({ port }, i) => masters[i] && !first?.cursor?.includes(`:${port}"`),
      );

      await next?.kill();
      const outcome = await restOf(driver, first).then(
        () => "complete",
        () => "failed",
      );
      await next?.start();
      await cluster.untilWhole();
      const found = await restOf(driver, first);

      expect(outcome).toBe("failed");
      expect(new Set(found.entries.map(({ id }) => id)).size).toBe(ids.length);
    });
  }
});

/** A cluster with so many entries that each master lists them in several steps. */
async function filledCluster(name: "redis" | "ioredis") {
  const cluster = await ownServer("redis-cluster");
  const driver = redisDriver({ url: cluster.url, package: name });
  onTestFinished(async () => {
    await driver.disconnect();
    await cluster.close();
  });
  // Who is master stays so, however long it is away.
  for (const node of cluster.nodes) {
    await node.command("CONFIG", "SET", "cluster-replica-no-failover", "yes");
  }
  await driver.connect({});
  const ids = Array.from({ length: 12_000 }, (_, i) => `${i}`);
  const write = { json: "1", version: "a.0", createdAt: 1, expiresAt: null };
  await driver.write(
    "session",
    ids.map((id) => ({ ...write, id })),
  );
  return { cluster, driver, ids };
}

/** All entries from a first page on, and how many pages came after it. */
async function restOf(driver: Driver, first: EntryPage | undefined) {
  const entries = [...(first?.entries ?? [])];
  let pages = 0;
  for (let cursor = first?.cursor ?? null; cursor !== null; pages += 1) {
    const page: EntryPage | undefined = await driver.scan?.("session", { limit: 5000, cursor });
    entries.push(...(page?.entries ?? []));
    cursor = page?.cursor ?? null;
  }
  return { entries, pages };
}

interface Pair {
  readonly master: ClusterNode;
  readonly replica: ClusterNode;
}

/** Has people shop on a cluster, for a test of one of its masters. */
async function withCluster(
  name: "redis" | "ioredis",
  body: (pair: Pair, shoppers: readonly Shopper[]) => Promise<void>,
): Promise<void> {
  const cluster = await ownServer("redis-cluster");
  onTestFinished(() => cluster.close());
  const bank = new Databank(redisDriver({ url: cluster.url, package: name }), { timeoutMs: 3000 });
  const pair = await pairOf(cluster);
  await withShoppers(bank, (shoppers) => body(pair, shoppers));
}

/** A master that has some of the sessions, and its replica. */
async function pairOf(cluster: OwnRedisCluster): Promise<Pair> {
  const master = await cluster.masterOf("session:any");
  const replica = master && (await cluster.replicaOf(master));
  if (!master || !replica) throw new Error("The cluster has no master with a replica");
  return { master, replica };
}
