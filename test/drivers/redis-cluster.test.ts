import { describe, expect, it } from "vitest";
import type { ClusterNode, OwnRedisCluster } from "../../scripts/servers/index.mjs";
import { Databank } from "../../src/databank/databank.js";
import type { EntryPage } from "../../src/databank/driver.js";
import { DatabankError } from "../../src/databank/errors.js";
import { redisDriver } from "../../src/drivers/redis.js";
import { DatabankStore } from "../../src/store/store-class.js";
import { testDriver } from "../../src/testing/index.js";
import { expectFidelity } from "../support/fidelity.js";
import { testPromises } from "../support/promises.js";
import { describeServer, ownServer } from "../support/servers.js";

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

      it("gives back every value and every id as it was", () =>
        expectFidelity(() => new Databank(redisDriver({ url: place("fidelity"), package: name }))));
    });
  }

  it("works over clients of one's own, and closes neither", async () => {
    const hosts = url.slice("redis+cluster://".length).split(",");
    const nodes = hosts.map((host) => ({ host: "127.0.0.1", port: Number(host.split(":")[1]) }));
    const [redis, ioredis] = await Promise.all(["redis", "ioredis"].map((name) => import(name)));
    const first: OwnCluster = redis.createCluster({
      rootNodes: nodes.map((socket) => ({ socket })),
    });
    await first.connect();
    const second: OwnCluster = new ioredis.default.Cluster(nodes);
    try {
      for (const client of [first, second]) {
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

        expect(await driver.count?.("session")).toBe(20);
        expect(found?.entries.map(({ id }) => id)).toEqual(["7"]);
        await driver.clear?.("session");
        expect(await driver.count?.("session")).toBe(0);
        await driver.disconnect();
      }
      expect(await first.sendCommand("a", true, ["GET", "a"])).toBeNull();
      expect(await second.call("GET", "a")).toBeNull();
    } finally {
      first.destroy();
      second.disconnect();
    }
  });

  testPromises("redis", {
    bank: () => place("promises"),
    url: () => place("promises"),
    frameworks: ["express 5"],
  });
});

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
      await withShoppers(name, async (cluster, shoppers) => {
        const { master, replica } = await pairOf(cluster);

        await progress(shoppers);
        await replica.failover();
        await progress(shoppers);

        expect(await master.isMaster()).toBe(false);
      });
    }, 120_000);

    it(`goes on when a master is killed, with all sessions that its replica had, over ${name}`, async () => {
      await withShoppers(name, async (cluster, shoppers) => {
        const { master, replica } = await pairOf(cluster);
        await progress(shoppers);
        for (const shopper of shoppers) shopper.isPaused = true;
        await until(() => shoppers.every(({ isIdle }) => isIdle));
        await replicated(master, replica);

        await master.kill();
        for (const shopper of shoppers) shopper.isPaused = false;
        await until(() => replica.isMaster());
        await progress(shoppers);
      });
    }, 120_000);
  }
});

/** Somebody whose session is saved again and again, each time after another look at it. */
interface Shopper {
  readonly sid: string;
  acknowledged: number;
  isPaused: boolean;
  isIdle: boolean;
}

/** Lets sixteen people shop on a cluster meanwhile, and expects each session to hold what was acknowledged. */
async function withShoppers(
  name: "redis" | "ioredis",
  body: (cluster: OwnRedisCluster, shoppers: readonly Shopper[]) => Promise<void>,
): Promise<void> {
  const cluster = await ownServer("redis-cluster");
  const bank = new Databank(redisDriver({ url: cluster.url, package: name }), { timeoutMs: 3000 });
  const store = new DatabankStore(bank, { log: null });
  const shoppers = Array.from({ length: 16 }, (_, i): Shopper => {
    return { sid: `shopper ${i}`, acknowledged: 0, isPaused: false, isIdle: false };
  });
  let isOver = false;
  const shopping = Promise.all(shoppers.map((shopper) => shop(store, shopper, () => isOver)));
  try {
    // What goes wrong while shopping ends the wait for progress.
    await Promise.race([body(cluster, shoppers), shopping]);
    isOver = true;
    await shopping;

    for (const { sid, acknowledged } of shoppers) {
      const session: unknown = await store.get(sid);
      expect(session).toMatchObject({ n: acknowledged });
    }
  } finally {
    isOver = true;
    await shopping.catch(() => {});
    await store.close();
    await bank.disconnect();
    await cluster.close();
  }
}

async function shop(store: DatabankStore, shopper: Shopper, isOver: () => boolean): Promise<void> {
  // To the end with a success, so that what is stored is what was acknowledged.
  for (let isAcknowledged = false; !isOver() || !isAcknowledged; ) {
    shopper.isIdle = shopper.isPaused && isAcknowledged;
    if (shopper.isIdle) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      continue;
    }
    const n = shopper.acknowledged + 1;
    try {
      const found = (await store.get(shopper.sid)) as { n?: number } | null | undefined;
      // A save that failed may have been carried out.
      if (shopper.acknowledged > 0) expect([n - 1, n]).toContain(found?.n);
      await store.set(shopper.sid, { cookie: { originalMaxAge: 600_000 }, n });
      shopper.acknowledged = n;
      isAcknowledged = true;
    } catch (error) {
      if (!(error instanceof DatabankError)) throw error;
      isAcknowledged = false;
    }
  }
}

/** A master that has some of the sessions, and its replica. */
async function pairOf(cluster: OwnRedisCluster) {
  const master = await cluster.masterOf("session:any");
  const replica = master && (await cluster.replicaOf(master));
  if (!master || !replica) throw new Error("The cluster has no master with a replica");
  return { master, replica };
}

/** Until each has had something acknowledged that was asked for from now on. */
async function progress(shoppers: readonly Shopper[]): Promise<void> {
  const goals = shoppers.map(({ acknowledged }) => acknowledged + 5);
  await until(() => shoppers.every(({ acknowledged }, i) => acknowledged >= (goals[i] ?? 0)));
}

/** Until a replica has all that its master has. */
async function replicated(master: ClusterNode, replica: ClusterNode): Promise<void> {
  const offset = async (node: ClusterNode, field: string) =>
    new RegExp(`${field}:(\\d+)`).exec(await node.command("INFO", "replication"))?.[1];
  await until(async () => {
    const sent = await offset(master, "master_repl_offset");
    return sent !== undefined && sent === (await offset(replica, "slave_repl_offset"));
  });
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 10));
}
