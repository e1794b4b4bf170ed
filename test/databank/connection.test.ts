import { describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type { Driver } from "../../src/databank/driver.js";
import { AlreadyConnectedError, NotConnectedError } from "../../src/databank/errors.js";
import { registerDrivers } from "../../src/drivers/catalog.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { collect } from "../support/collect.js";
import { Gate } from "../support/gate.js";

registerDrivers();

/** A memory driver that counts its connections and waits for a gate before each. */
function gatedDriver(overrides: Partial<Driver> = {}) {
  const gates: Gate[] = [];
  const counts = { connects: 0, disconnects: 0 };
  const memory = memoryDriver();
  const driver: Driver = {
    ...memory,
    async connect(schema) {
      counts.connects += 1;
      await gates[counts.connects - 1]?.opened;
      await memory.connect(schema);
    },
    async disconnect() {
      counts.disconnects += 1;
      await memory.disconnect();
    },
    ...overrides,
  };
  return { driver, gates, counts };
}

const code = (code: string) => expect.objectContaining({ code });

describe("a databank made with new or open", () => {
  it("opens nothing until it is used", async () => {
    const { driver, counts } = gatedDriver();

    const bank = new Databank(driver);
    await new Promise(setImmediate);

    expect(counts.connects).toBe(0);
    expect(bank.capabilities?.scan).toBe(true);
  });

  it("connects once for calls that come together", async () => {
    const { driver, counts, gates } = gatedDriver();
    gates.push(new Gate());
    const bank = new Databank(driver);

    const calls = [bank.find("t", "a"), bank.save("t", "b", 1), bank.count("t")];
    const connecting = bank.connect();
    gates[0]?.open();
    await Promise.all([...calls, connecting]);

    expect(counts.connects).toBe(1);
  });

  it("can be used when it was disconnected and connected in one go", async () => {
    const { driver } = gatedDriver();
    const bank = new Databank(driver);
    await bank.find("t", "a");

    const both = [bank.connect(), bank.disconnect()];
    await Promise.allSettled(both);
    await bank.connect().catch(() => {});

    expect(await bank.find("t", "a")).toBeNull();
    await bank.disconnect();
    await bank.connect();
    expect(await bank.find("t", "a")).toBeNull();
  });

  it.each([
    ["ECONNREFUSED", "The gated databank failed (ECONNREFUSED); no server listens there"],
    ["28P01", "The gated databank failed (28P01); see the cause"],
    ["secret: s3cret", "The gated databank failed; see the cause"],
    [18, "The gated databank failed; see the cause"],
  ])("says what the client calls its error, if that is a code: %s", async (code, message) => {
    const { driver, gates } = gatedDriver();
    gates.push(new Gate());
    gates[0]?.fail(Object.assign(new Error("password s3cret"), { code }));
    const bank = new Databank({ ...driver, name: "gated" });

    const error: Error = await bank.find("t", "a").catch((reason) => reason);

    expect(error.message).toContain(message);
    expect(error.message).not.toContain("s3cret");
  });

  it("connects again with the call after a failed attempt", async () => {
    const { driver, counts, gates } = gatedDriver();
    gates.push(new Gate());
    gates[0]?.fail(new Error("server is starting"));
    const bank = new Databank(driver);

    await expect(bank.find("t", "a")).rejects.toEqual(code("DATABANK_DRIVER_FAILED"));
    expect(await bank.find("t", "a")).toBeNull();
    expect(counts.connects).toBe(2);
  });

  it("takes one explicit connect, before or after the first call", async () => {
    const bank = new Databank(memoryDriver());
    await bank.find("t", "a");

    await bank.connect();

    await expect(bank.connect()).rejects.toBeInstanceOf(AlreadyConnectedError);
  });

  it("stays closed after disconnect until someone connects explicitly", async () => {
    const bank = Databank.open("memory:");
    await bank.save("t", "a", 1);
    expect(await bank.read("t", "a")).toBe(1);

    await bank.disconnect();

    await expect(bank.find("t", "a")).rejects.toBeInstanceOf(NotConnectedError);
    await expect(bank.collector.read("t", { id: "a" })).rejects.toBeInstanceOf(NotConnectedError);
    await expect(bank.disconnect()).rejects.toBeInstanceOf(NotConnectedError);
    await bank.connect();
    expect(await bank.find("t", "a")).toBeNull();
  });

  it("can be disconnected before it was ever used", async () => {
    const bank = Databank.open("memory:");

    await bank.disconnect();

    await expect(bank.find("t", "a")).rejects.toBeInstanceOf(NotConnectedError);
  });

  it("gives calls up in time when the database does not answer at connect", async () => {
    const { driver, gates } = gatedDriver();
    gates.push(new Gate());
    const bank = new Databank(driver, { timeoutMs: 300 });

    await expect(bank.connect()).rejects.toEqual(code("DATABANK_TIMEOUT"));
    await expect(bank.find("t", "a")).rejects.toEqual(code("DATABANK_TIMEOUT"));
    await expect(bank.count("t")).rejects.toEqual(code("DATABANK_TIMEOUT"));

    gates[0]?.open();
    expect(await bank.count("t")).toBe(0);
    await bank.connect();
  });

  it("forgets an attempt that fails after disconnect", async () => {
    const { driver, counts, gates } = gatedDriver();
    gates.push(new Gate());
    const bank = new Databank(driver, { timeoutMs: 300 });
    await expect(bank.find("t", "a")).rejects.toEqual(code("DATABANK_TIMEOUT"));
    await bank.disconnect();

    const connecting = bank.connect();
    gates[0]?.fail(new Error("too late"));
    await connecting;

    expect(await bank.find("t", "a")).toBeNull();
    expect(counts.connects).toBe(2);
  });

  it("closes what a connection opens that comes after disconnect", async () => {
    const { driver, counts, gates } = gatedDriver();
    gates.push(new Gate());
    const bank = new Databank(driver, { timeoutMs: 300 });
    await expect(bank.find("t", "a")).rejects.toEqual(code("DATABANK_TIMEOUT"));

    await bank.disconnect();
    const before = counts.disconnects;
    gates[0]?.open();
    await new Promise(setImmediate);

    expect(counts.disconnects).toBe(before + 1);
    await expect(bank.find("t", "a")).rejects.toBeInstanceOf(NotConnectedError);
  });
});

describe("a databank made with get", () => {
  it("fails before connect, through the promise and the callback", async () => {
    const bank = Databank.get("memory");

    await expect(bank.read("t", "a")).rejects.toBeInstanceOf(NotConnectedError);
    await expect(bank.collector.read("t", { id: "a" })).rejects.toBeInstanceOf(NotConnectedError);
    await expect(bank.disconnect()).rejects.toBeInstanceOf(NotConnectedError);
    const error = await new Promise((resolve) => bank.read("t", "a", resolve));
    expect(error).toBeInstanceOf(NotConnectedError);
    await expect(collect(bank.scan("t"))).rejects.toBeInstanceOf(NotConnectedError);
  });

  it("needs a new connect after one that failed", async () => {
    let isUp = false;
    const memory = memoryDriver();
    Databank.register("flaky", () => ({
      ...memory,
      connect: async () => {
        if (!isUp) throw new Error("server is starting");
      },
    }));
    const bank = Databank.get("flaky", {});

    await expect(bank.connect()).rejects.toEqual(code("DATABANK_DRIVER_FAILED"));
    await expect(bank.find("t", "a")).rejects.toBeInstanceOf(NotConnectedError);
    isUp = true;
    await bank.connect();

    expect(await bank.find("t", "a")).toBeNull();
  });

  it("makes another driver for other parameters, and closes the one that failed", async () => {
    const disconnected: unknown[] = [];
    Databank.register("picky", ({ port }) => ({
      ...memoryDriver(),
      connect: async () => {
        if (port !== 2) throw new Error("nobody listens there");
      },
      disconnect: async () => {
        disconnected.push(port);
      },
    }));
    const bank = Databank.get("picky", { port: 1 });
    await expect(bank.connect()).rejects.toEqual(code("DATABANK_DRIVER_FAILED"));

    await bank.connect({ port: 2 });

    expect(disconnected).toEqual([1]);
    await bank.disconnect();
    expect(disconnected).toEqual([1, 2]);
  });

  it("shares one attempt among connects that come together, and refuses later ones", async () => {
    const bank = Databank.get("memory", {});

    await Promise.all([bank.connect({}), bank.connect({})]);

    await expect(bank.connect({})).rejects.toBeInstanceOf(AlreadyConnectedError);
  });

  it("adds the parameters of connect to those of get", async () => {
    const seen: unknown[] = [];
    Databank.register("listening", (options) => {
      seen.push(options);
      return memoryDriver();
    });
    const bank = Databank.get("listening", { host: "here", port: 1 });

    await bank.connect({ port: 2, schema: { t: { pkey: "name" } } });

    expect(seen).toEqual([{ host: "here", port: 2 }]);
    expect(bank.schema).toEqual({ t: { pkey: "name" } });
  });

  it("can be connected again after disconnect", async () => {
    const bank = Databank.get("memory", { data: { t: { a: 1 } } });
    await bank.connect();
    await bank.save("t", "a", 2);

    await bank.disconnect();
    await bank.connect();

    expect(await bank.read("t", "a")).toBe(1);
  });
});

describe("disconnect", () => {
  it("waits for the calls under way, and refuses new ones", async () => {
    const [reading, writing] = [new Gate(), new Gate()];
    const memory = memoryDriver();
    const { driver, counts } = gatedDriver({
      read: (type, reads) => reading.opened.then(() => memory.read(type, reads)),
      write: (type, writes) => writing.opened.then(() => memory.write(type, writes)),
    });
    const bank = new Databank(driver);
    await bank.connect();

    const appending = bank.append("t", "a", 1);
    await new Promise(setImmediate);
    const disconnecting = bank.disconnect();
    await expect(bank.find("t", "a")).rejects.toBeInstanceOf(NotConnectedError);
    reading.open();
    await new Promise(setImmediate);
    expect(counts.disconnects).toBe(0);
    writing.open();

    await Promise.all([appending, disconnecting]);
    expect(counts.disconnects).toBe(1);
  });

  it("does not wait for a call longer than the call may take", async () => {
    const { driver, counts } = gatedDriver({ read: () => new Promise(() => {}) });
    const bank = new Databank(driver, { timeoutMs: 300 });
    await bank.connect();

    const reading = expect(bank.find("t", "a")).rejects.toEqual(code("DATABANK_TIMEOUT"));
    await bank.disconnect();

    await reading;
    expect(counts.disconnects).toBe(1);
  });

  it("reports a driver that fails, and is disconnected all the same", async () => {
    const { driver } = gatedDriver({ disconnect: () => Promise.reject(new Error("broken pipe")) });
    const bank = new Databank(driver);
    await bank.connect();

    await expect(bank.disconnect()).rejects.toEqual(code("DATABANK_DRIVER_FAILED"));

    await expect(bank.find("t", "a")).rejects.toBeInstanceOf(NotConnectedError);
  });

  it("can be tried again where it failed, until it succeeds", async () => {
    const failures = [new Error("broken pipe"), new Error("still broken")];
    const { driver } = gatedDriver({
      async disconnect() {
        const failure = failures.shift();
        if (failure) throw failure;
      },
    });
    const bank = new Databank(driver);
    await bank.connect();

    await expect(bank.disconnect()).rejects.toEqual(code("DATABANK_DRIVER_FAILED"));
    await expect(bank.disconnect()).rejects.toEqual(code("DATABANK_DRIVER_FAILED"));
    await bank.disconnect();

    await expect(bank.disconnect()).rejects.toBeInstanceOf(NotConnectedError);
  });

  it("that failed is made up for by the next connect, however long it takes", async () => {
    const { driver: stuck } = gatedDriver({ disconnect: () => new Promise(() => {}) });
    const { driver: fresh, counts } = gatedDriver();
    const drivers = [stuck, fresh];
    Databank.register("stuck", () => drivers.shift() ?? fresh);
    const bank = Databank.get("stuck", { timeoutMs: 300 });
    await bank.connect();
    await expect(bank.disconnect()).rejects.toEqual(code("DATABANK_TIMEOUT"));

    await bank.connect().catch(() => bank.connect());

    expect(await bank.find("t", "a")).toBeNull();
    await bank.disconnect();
    expect(counts).toEqual({ connects: 1, disconnects: 1 });
  });

  it("is shared by who asks for it at the same time", async () => {
    const { driver, counts } = gatedDriver();
    const bank = new Databank(driver);
    await bank.connect();

    await Promise.all([bank.disconnect(), bank.disconnect()]);

    expect(counts.disconnects).toBe(1);
  });
});
