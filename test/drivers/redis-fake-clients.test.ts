import { describe, expect, it } from "vitest";
import type { Driver } from "../../src/databank/driver.js";
import { redisDriver } from "../../src/drivers/redis.js";

const TIME = ["1767225600", "0"];
const WHOLE = { limit: 10, cursor: null };

/** What clients of every kind have. */
const CLIENT = { isOpen: true, on() {}, off() {}, connect: async () => {}, destroy() {} };

async function connected(client: object): Promise<Driver> {
  const driver = redisDriver({ client });
  await driver.connect({});
  return driver;
}

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
