import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OwnRedisCluster } from "../../scripts/servers/index.mjs";
import { redisDriver } from "../../src/drivers/redis.js";
import { selfSigned } from "../support/certificate.js";
import { ownServer } from "../support/servers.js";
import { saveTrusting } from "../support/trusting-process.js";
import { waitUntil } from "../support/wait.js";

describe.each(["127.0.0.1", "localhost"])(
  "a cluster over TLS with a certificate for %s",
  (host) => {
    const certificate = selfSigned(host);
    let cluster: OwnRedisCluster;
    let url: string;

    beforeAll(async () => {
      cluster = await ownServer("redis-cluster", { durable: false, tls: certificate });
      url = cluster.url.replaceAll("127.0.0.1", host);
      if (host !== "localhost") return;
      for (const { command } of cluster.nodes) {
        await command("CONFIG", "SET", "cluster-announce-hostname", host);
        await command("CONFIG", "SET", "cluster-preferred-endpoint-type", "hostname");
      }
      await waitUntil(async () => {
        const views = await Promise.all(cluster.nodes.map((n) => n.command("CLUSTER", "NODES")));
        return views.every((view) => view.match(/,localhost /g)?.length === cluster.nodes.length);
      });
    });
    afterAll(() => cluster.close());

    it.each(["redis", "ioredis"])("holds sessions over %s where it is trusted", async (name) => {
      const ran = await saveTrusting(certificate.cert, `${url}?prefix=${name}:&package=${name}`);

      expect(ran).toEqual({ stdout: "by TLS\n20\n", stderr: "" });
    });

    it.each(["redis", "ioredis"] as const)("is refused over %s where it is not", async (name) => {
      const driver = redisDriver({ url, package: name });

      await expect(Promise.resolve(driver.connect({}))).rejects.toThrow();

      await driver.disconnect();
    });
  },
);
