import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  type AddressInfo,
  connect,
  createServer as createPlainServer,
  type Socket,
} from "node:net";
import { join } from "node:path";
import { createServer, type TLSSocket } from "node:tls";
import { describe, expect, it, onTestFinished } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import { registerDrivers } from "../../src/drivers/catalog.js";
import { redisDriver } from "../../src/drivers/redis.js";
import { selfSigned } from "../support/certificate.js";
import { HOUR_MS } from "../support/entry.js";
import { describeServer, ownServer } from "../support/servers.js";
import { proxyTo, untilSaved } from "../support/silent-proxy.js";
import { saveTrusting } from "../support/trusting-process.js";
import { waitUntil } from "../support/wait.js";
import { type Client, openClient } from "./redis-client.js";

registerDrivers();

describe("the permissions that the documentation asks for", () => {
  const page = readFileSync(join(__dirname, "../../docs/drivers/redis.md"), "utf8");
  const [rule = ""] = /ACL SETUSER app .+/.exec(page) ?? [];

  it.each(["redis", "ioredis"])("are enough over %s, and go without KEYS", async (name) => {
    const own = await ownServer("redis", { durable: false });
    onTestFinished(() => own.close());
    const admin = await openClient(own.url);
    onTestFinished(() => admin.destroy());
    await admin.sendCommand([...rule.split(" "), "+ping", "+hello", "+info"]);
    // Older servers do not know it, and refuse the rule.
    await admin.sendCommand(["ACL", "SETUSER", "app", "+client|setinfo"]).catch(() => {});
    const to = `${own.url.replace("://", "://app:password@")}?package=${name}`;
    const schema = { session: { indices: ["user.id"] } };
    const bank = Databank.open(to, { schema });
    onTestFinished(() => bank.disconnect());
    const search = async () => {
      const found: string[] = [];
      for await (const { id } of bank.search("session", { "user.id": 7 })) found.push(id);
      return found.sort();
    };

    await bank.save("session", "a", { user: { id: 7 } }, { expiresAt: Date.now() + HOUR_MS });
    await bank.create("session", "b", { user: { id: 7 } });
    await bank.update("session", "b", { user: { id: 7 }, n: 1 });
    await bank.incr("session", "n");
    await bank.touch("session", "a", Date.now() + 50 * HOUR_MS);
    await bank.touch("session", "a", null);
    await admin.sendCommand(["SET", "session:old", '{"old":1}', "PX", "60000"]);

    expect(await bank.read("session", "old")).toEqual({ old: 1 });
    expect([await search(), await search()]).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
    await bank.del("session", "b");
    expect(await search()).toEqual(["a"]);
    expect(await bank.count("session")).toBe(3);
    await bank.clear("session");
    expect(await bank.count("session")).toBe(0);
    expect(rule).not.toMatch(/@|\+keys|\+flush/i);
  });

  it("list all entries without INFO too", async () => {
    const own = await ownServer("redis", { durable: false });
    onTestFinished(() => own.close());
    const admin = await openClient(own.url);
    onTestFinished(() => admin.destroy());
    await admin.sendCommand([...rule.split(" "), "+ping", "+hello", "-info"]);
    const bank = Databank.open(`${own.url.replace("://", "://app:password@")}?package=redis`);
    onTestFinished(() => bank.disconnect());

    // More than one step of a walk looks at.
    const ids = Array.from({ length: 3000 }, (_, i) => `${i}`);
    await Promise.all(ids.map((id) => bank.save("session", id, 1)));
    const found = new Set<string>();
    for await (const { id } of bank.scan("session")) found.add(id);

    expect(found.size).toBe(ids.length);
  });
});

describe("a name that leads to another server after a failover", () => {
  it.each(["redis", "ioredis"] as const)(
    "is followed over %s, although the old master still answers",
    async (name) => {
      const [old, next] = await Promise.all([ownServer("redis"), ownServer("redis")]);
      let master = old;
      const way = createPlainServer((socket) => {
        const onwards = connect(portOf(master), "127.0.0.1");
        joined(socket, onwards);
      });
      await new Promise<void>((resolve) => way.listen(0, "127.0.0.1", resolve));
      const { port } = way.address() as AddressInfo;
      const bank = Databank.open(`redis://127.0.0.1:${port}?package=${name}`);
      const admin = await openClient(old.url);
      onTestFinished(async () => {
        await bank.disconnect();
        admin.destroy();
        way.close();
        await Promise.all([old.close(), next.close()]);
      });
      await bank.save("session", "a", 1);

      master = next;
      await admin.sendCommand(["REPLICAOF", "127.0.0.1", String(portOf(next))]);
      const saved = () =>
        bank.save("session", "b", 2).then(
          () => true,
          () => false,
        );
      await waitUntil(saved);

      const there = await openClient(next.url);
      expect(await there.sendCommand(["EXISTS", "session:b"])).toBe(1);
      there.destroy();
    },
  );
});

describe("a connection on which nothing is heard any more", () => {
  it.each(["redis", "ioredis"] as const)("is made again over %s", async (name) => {
    const own = await ownServer("redis");
    const proxy = await proxyTo(own.url);
    const bank = Databank.open(`${proxy.url}?package=${name}`);
    onTestFinished(async () => {
      await bank.disconnect();
      await proxy.close();
      await own.close();
    });
    await bank.save("session", "a", 1);

    proxy.silence();
    // Somebody asks all the time.
    const asking = setInterval(() => bank.save("session", "a", 2).catch(() => {}), 100);
    await untilSaved(bank, 40_000);
    clearInterval(asking);

    expect(await bank.find("session", "silent")).not.toBeNull();
  });
});

const portOf = ({ url }: { readonly url: string }) => Number(new URL(url).port);

/** Passes on what comes from either side, and ends both together. */
function joined(socket: Socket, onwards: Socket): void {
  const end = () => {
    socket.destroy();
    onwards.destroy();
  };
  for (const each of [socket, onwards]) each.on("error", end).on("close", end);
  socket.pipe(onwards).pipe(socket);
}

describeServer("REDIS_URL", (url) => {
  const { host } = new URL(url);

  it.each(["valkey", "VALKEY"])("is reached by the scheme %s too", async (scheme) => {
    const prefix = randomUUID();
    const bank = Databank.open(`${scheme}://${host}?prefix=${prefix}:`);
    const same = Databank.open(`redis://${host}?prefix=${prefix}:`);

    await bank.save("session", "a", 1);

    expect(await same.read("session", "a")).toBe(1);
    await Promise.all([bank.disconnect(), same.disconnect()]);
  });

  it("may be reached over a pool of the program's, which stays open", async () => {
    const name = "redis";
    const { createClientPool } = (await import(name)) as {
      createClientPool(options: object): Client;
    };
    const pool = createClientPool({ url });
    pool.on("error", () => {});
    await pool.connect();
    onTestFinished(() => pool.destroy());
    const bank = new Databank(redisDriver({ client: pool, prefix: `${randomUUID()}:` }), {
      schema: { session: { indices: ["user.id"] } },
    });

    await bank.save("session", "a", { user: { id: 7 } });
    await bank.update("session", "a", { user: { id: 7 }, n: 1 });
    const found: unknown[] = [];
    for await (const { value } of bank.search("session", { "user.id": 7 })) found.push(value);
    await bank.disconnect();

    expect(found).toEqual([{ user: { id: 7 }, n: 1 }]);
    expect(pool.isOpen).toBe(true);
    expect(await pool.sendCommand(["PING"])).toBe("PONG");
  });

  describe("over TLS", () => {
    /** A way to the server by TLS: its port, and the certificate that it shows. */
    async function openTls() {
      const certificate = selfSigned();
      const sockets = new Set<TLSSocket>();
      const { hostname, port } = new URL(url);
      const way = createServer(certificate, (socket) => {
        sockets.add(socket);
        const onwards = connect(Number(port), hostname);
        joined(socket, onwards);
      });
      await new Promise<void>((resolve) => way.listen(0, "127.0.0.1", resolve));
      onTestFinished(() => {
        for (const socket of sockets) socket.destroy();
        way.close();
      });
      const { port: own } = way.address() as AddressInfo;
      return { to: `127.0.0.1:${own}`, ...certificate };
    }

    it.each([
      ["rediss", "redis"],
      ["rediss", "ioredis"],
      ["valkeys", "redis"],
    ])(
      "works by %s with the package %s where the machine trusts the certificate",
      async (scheme, name) => {
        const { to, cert } = await openTls();
        const there = `${scheme}://${to}?prefix=${randomUUID()}:&package=${name}`;

        const ran = await saveTrusting(cert, there);

        expect(ran).toEqual({ stdout: "by TLS\n20\n", stderr: "" });
      },
    );

    it.each(["redis", "ioredis"] as const)(
      "fails with the package %s where nobody vouches for the certificate",
      async (name) => {
        const { to } = await openTls();
        const driver = redisDriver({ url: `rediss://${to}`, package: name });

        await expect(driver.connect({})).rejects.toMatchObject({
          code: "DEPTH_ZERO_SELF_SIGNED_CERT",
        });

        await driver.disconnect();
      },
    );
  });
});
