import { describe, expect, it, onTestFinished } from "vitest";
import type { OwnRedisSentinel } from "../../scripts/servers/index.mjs";
import { Databank } from "../../src/databank/databank.js";
import { redisDriver } from "../../src/drivers/redis.js";
import { ownServer } from "../support/servers.js";
import { killed, progress, withShoppers } from "./redis-shoppers.js";

/** How each package opens a client that asks a sentinel who is master, and what ends it. */
const PACKAGES = {
  async redis({ url, group }: OwnRedisSentinel) {
    const { createSentinel } = await import(String("redis"));
    const client = createSentinel({ name: group, sentinelRootNodes: [addressOf(url)] });
    client.on("error", () => {});
    await client.connect();
    return { client, end: () => client.destroy() };
  },
  ioredis: ({ url, group }: OwnRedisSentinel) => openIoredis("ioredis", url, group),
  iovalkey: ({ url, group }: OwnRedisSentinel) => openIoredis("iovalkey", url, group),
};

async function openIoredis(name: string, url: string, group: string) {
  const { default: Redis } = await import(name);
  const client = new Redis({ sentinels: [addressOf(url)], name: group });
  return { client, end: () => client.disconnect() };
}

function addressOf(url: string) {
  return { host: "127.0.0.1", port: Number(new URL(url).port) };
}

describe.each(Object.entries(PACKAGES))("a client of the package %s with a sentinel", (_, open) => {
  it("goes on when the master is killed, with all sessions that its replica had", async () => {
    const servers = await ownServer("redis-sentinel");
    onTestFinished(() => servers.close());
    const { client, end } = await open(servers);
    onTestFinished(end);
    const bank = new Databank(redisDriver({ client }), { timeoutMs: 3000 });
    const [master, replica] = servers.nodes;
    if (!master || !replica) throw new Error("A sentinel has a master and a replica");

    await withShoppers(bank, async (shoppers) => {
      await progress(shoppers);
      await killed(shoppers, master, replica);
      await progress(shoppers);
    });

    expect(await replica.isMaster()).toBe(true);
    expect(["ready", true]).toContain(client.status ?? client.isReady);
  });
});

describe("a client of the package redis with a sentinel", () => {
  it("is asked for many things at once, and not for one after another", async () => {
    const servers = await ownServer("redis-sentinel", { durable: false });
    onTestFinished(() => servers.close());
    const { client, end } = await PACKAGES.redis(servers);
    onTestFinished(end);
    const driver = redisDriver({ client });
    await driver.connect({});
    onTestFinished(() => driver.disconnect());
    const reads = async () => {
      const info = await servers.nodes[0]?.command("INFO", "stats");
      return Number(/total_reads_processed:(\d+)/.exec(info ?? "")?.[1]);
    };

    const before = await reads();
    const types = Array.from({ length: 200 }, (_, i) => `type ${i}`);
    await Promise.all(types.map((type) => driver.read(type, [{ id: "a" }])));

    expect((await reads()) - before).toBeLessThan(types.length / 2);
  });
});
