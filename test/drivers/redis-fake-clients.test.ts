import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Driver } from "../../src/databank/driver.js";
import { openNodeRedis } from "../../src/drivers/redis/node-redis.js";
import type { Target } from "../../src/drivers/redis/options.js";
import { redisDriver } from "../../src/drivers/redis.js";

const TIME = ["1767225600", "0"];
const WHOLE = { limit: 10, cursor: null };

/** What clients of every kind have. */
const CLIENT = { isOpen: true, on() {}, off() {}, connect: async () => {}, destroy() {} };

const CLIENT_OF_A_SERVER = { ...CLIENT, sendCommand: async () => TIME };

async function connected(client: object): Promise<Driver> {
  const driver = redisDriver({ client });
  await driver.connect({});
  return driver;
}

it.each(["read", "write", "touch", "del"] as const)(
  "a driver that is not connected says so by a promise (%s)",
  async (method) => {
    const driver = redisDriver({ client: CLIENT_OF_A_SERVER });
    const given = [{ id: "a", json: "1", version: "v.1", createdAt: 0, expiresAt: null }];

    const answer = driver[method]("session", given);

    await expect(answer).rejects.toMatchObject({ name: "NotConnectedError" });
  },
);

describe("a listing over a cluster", () => {
  it("does not end where its client is closed before the servers that are left", async () => {
    const client = {
      ...CLIENT,
      masters: [{ address: "one" }, { address: "two" }],
      sendCommand: async () => TIME,
      nodeClient: () => ({
        async sendCommand() {
          client.masters = [];
          return ["a process", "0", []];
        },
      }),
    };
    const driver = await connected(client);

    const page = await driver.scan?.("session", WHOLE);

    expect(page).toEqual({ entries: [], cursor: expect.any(String) });
    const next = { limit: 10, cursor: page?.cursor ?? null };
    await expect(Promise.resolve(driver.scan?.("session", next))).rejects.toThrow("out of reach");
  });
});

describe("a client of our own", () => {
  const target: Target = {
    servers: [{ host: "127.0.0.1", port: 6379 }],
    isCluster: false,
    isTls: false,
    username: undefined,
    password: undefined,
    database: 0,
  };

  /** Opens one that connects once, and then as told, and whose server says nothing. */
  async function opened(again: () => Promise<void>) {
    let connects = 0;
    const client = {
      ...CLIENT,
      isOpen: true,
      isReady: true,
      connect() {
        connects += 1;
        return connects === 1 ? Promise.resolve() : again();
      },
      sendCommand: () => new Promise<never>(() => {}),
    };
    const packageOf = { createClient: () => client, createCluster: () => fail() };
    const connection = await openNodeRedis(packageOf, target);
    return { connection, connects: () => connects };
  }

  it("is connected again where only listings wait for an answer", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { connection, connects } = await opened(async () => {});

    void connection.servers()[0]?.send(["SCAN", "0"]);
    vi.advanceTimersByTime(9_000);
    expect(connects()).toBe(1);
    vi.advanceTimersByTime(2_000);

    expect(connects()).toBe(2);
    connection.close();
  });

  it("is not connected again when it has been closed", async () => {
    const { connection, connects } = await opened(() => Promise.reject(new Error("down")));

    connection.reconnect?.();
    connection.close();
    const before = connects();
    await new Promise((resolve) => setTimeout(resolve, 300));

    expect(connects()).toBe(before);
  });
});

function fail(): never {
  throw new Error("That was not asked for");
}

describe("a client that asks sentinels", () => {
  it("is given the next command after one that it threw at", async () => {
    let reads = 0;
    const client = {
      ...CLIENT,
      getMasterNode() {},
      sendCommand(_isReadonly: boolean, [name]: readonly string[]) {
        if (name === "TIME") return Promise.resolve(TIME);
        reads += 1;
        if (reads === 1) throw new Error("Not now");
        return Promise.resolve(["@1 a.0 1 0000000000000\n7"]);
      },
    };
    const driver = await connected(client);
    const read = () => Promise.resolve(driver.read("session", [{ id: "a" }]));

    await expect(read()).rejects.toThrow("Not now");

    expect(await read()).toMatchObject([{ json: "7" }]);
  });
});
