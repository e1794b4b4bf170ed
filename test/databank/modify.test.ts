import { describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type { Driver } from "../../src/databank/driver.js";
import { isSameLife } from "../../src/databank/version.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { Gate } from "../support/gate.js";

const HOUR_MS = 3_600_000;

describe("modify", () => {
  it("gives the change what is there, and stores what it returns", async () => {
    const bank = new Databank(memoryDriver());

    const made = await bank.modify<number>("t", "a", (value) => (value ?? 0) + 1);
    const changed = await bank.modify<number>("t", "a", (value = 0, entry) => {
      expect(entry).toEqual(made);
      return value + 1;
    });

    expect(made).toMatchObject({ id: "a", value: 1, expiresAt: null });
    expect(changed).toMatchObject({ value: 2, createdAt: made?.createdAt });
    expect(isSameLife(made?.version ?? "", changed?.version ?? "")).toBe(true);
    expect(await bank.find("t", "a")).toEqual(changed);
  });

  it("leaves things as they are when the change returns nothing", async () => {
    const bank = new Databank(memoryDriver());
    await bank.save("t", "a", 1);
    const before = await bank.find("t", "a");

    expect(await bank.modify("t", "a", () => undefined)).toEqual(before);
    expect(await bank.modify("t", "b", () => undefined)).toBeNull();
    expect(await bank.find("t", "a")).toEqual(before);
  });

  it("keeps the deadline, also one that a touch moved meanwhile", async () => {
    const driver = memoryDriver();
    const bank = new Databank(driver);
    const moment = Date.now() + HOUR_MS;
    await bank.save("t", "a", 1, { expiresAt: moment });
    const { read } = driver;
    driver.read = async (type, reads) => {
      const results = await read(type, reads);
      await driver.touch(type, [{ id: "a", expiresAt: moment + HOUR_MS }]);
      return results;
    };

    await bank.modify("t", "a", () => 2);

    expect((await bank.find("t", "a"))?.expiresAt).toBe(moment + HOUR_MS);
  });

  it("sets the deadline that it is given, or extends to it", async () => {
    const bank = new Databank(memoryDriver());
    const moment = Date.now() + HOUR_MS;
    await bank.save("t", "a", 1, { expiresAt: moment });

    await bank.modify("t", "a", () => 2, { expiresAt: moment - 1, extend: true });
    expect((await bank.find("t", "a"))?.expiresAt).toBe(moment);
    await bank.modify("t", "a", () => 2, { expiresAt: moment - 1 });
    expect((await bank.find("t", "a"))?.expiresAt).toBe(moment - 1);
    await bank.modify("t", "a", () => 2, { expiresAt: null });
    expect((await bank.find("t", "a"))?.expiresAt).toBeNull();
  });

  it("tells of what the change throws, and goes on with the next", async () => {
    const bank = new Databank(memoryDriver());
    const error = new Error("not today");

    const failing = bank.modify("t", "a", () => {
      throw error;
    });
    const next = bank.modify("t", "a", () => 1);

    await expect(failing).rejects.toBe(error);
    expect(await next).toMatchObject({ value: 1 });
  });

  it("refuses a change that is no function, whether or not something is there", async () => {
    const bank = new Databank(memoryDriver());
    await bank.save("t", "a", 1);
    const message = expect.stringContaining("change must be a function");
    const refused = { code: "DATABANK_INVALID_OPTION", message };
    for (const id of ["a", "missing"]) {
      const modified: Promise<unknown> = Reflect.apply(bank.modify, bank, ["t", id, { n: 1 }]);
      await expect(modified).rejects.toMatchObject(refused);
      const all: Promise<unknown> = Reflect.apply(bank.readAndModify, bank, ["t", id, 0, null]);
      await expect(all).rejects.toMatchObject(refused);
    }
  });

  it("refuses a change that returns a promise", async () => {
    const bank = new Databank(memoryDriver());

    await expect(bank.modify("t", "a", async () => 1)).rejects.toMatchObject({
      code: "DATABANK_INVALID_VALUE",
    });
    expect(await bank.find("t", "a")).toBeNull();
  });

  it("tries again with what someone else wrote in between", async () => {
    const driver = memoryDriver();
    const bank = new Databank(driver);
    const other = new Databank(driver);
    await bank.save("t", "a", [0]);
    const others = [1, 2];
    const { read, write } = driver;
    driver.read = async (type, reads) => {
      const results = await read(type, reads);
      const item = others.shift();
      if (item !== undefined) await other.save("t", "a", [item]);
      return results;
    };
    driver.write = write;

    await bank.append("t", "a", "mine");

    expect(await bank.read("t", "a")).toEqual([1, "mine"]);
  });

  it("gives up with a conflict when others are always faster", async () => {
    const driver = memoryDriver();
    const bank = new Databank(driver);
    await bank.save("t", "a", 0);
    const { write } = driver;
    let attempts = 0;
    driver.write = async (type, writes) => {
      attempts += 1;
      const others = writes.map(({ if: _, ...rest }) => ({ ...rest, version: `x.${attempts}` }));
      await write(type, others);
      return write(type, writes);
    };

    await expect(bank.incr("t", "a")).rejects.toMatchObject({ code: "DATABANK_CONFLICT" });
    expect(attempts).toBe(100);
  });
});

describe("50 changes at once", () => {
  it("all count within one databank", async () => {
    const bank = new Databank(memoryDriver());
    const items = Array.from({ length: 50 }, (_, i) => i);

    await Promise.all(items.map((i) => bank.append("t", "a", i)));
    await Promise.all(items.map(() => bank.incr("t", "n")));

    expect(await bank.read("t", "a")).toEqual(items);
    expect(await bank.read("t", "n")).toBe(50);
  });

  it("all count across 50 databanks", async () => {
    const driver = memoryDriver();
    const banks = Array.from({ length: 50 }, () => new Databank(driver));

    await Promise.all(banks.map((bank, i) => bank.append("t", "a", i)));

    const [bank] = banks;
    expect(new Set(await bank?.read<number[]>("t", "a")).size).toBe(50);
  });

  it("fails in time each of many that wait for one another", async () => {
    const driver = { ...memoryDriver(), read: () => new Promise<never>(() => {}) };
    const bank = new Databank(driver, { timeoutMs: 1000, maxPending: 8 });
    const start = performance.now();

    const results = await Promise.allSettled(
      Array.from({ length: 10 }, () => bank.append("t", "a", 1)),
    );

    // One after another they would take eight times 1000 ms.
    expect(performance.now() - start).toBeLessThan(7500);
    const codes = results.map((result) => Object(result).reason.code);
    expect(codes.slice(0, 8)).toEqual(Array(8).fill("DATABANK_TIMEOUT"));
    expect(codes.slice(8)).toEqual(Array(2).fill("DATABANK_QUEUE_FULL"));
  });

  it("does not do later what failed while it waited", async () => {
    const memory = memoryDriver();
    const gate = new Gate();
    let reads = 0;
    const driver: Driver = {
      ...memory,
      async read(type, members) {
        reads += 1;
        await gate.opened;
        return memory.read(type, members);
      },
    };
    const bank = new Databank(driver, { timeoutMs: 300 });

    const results = await Promise.allSettled([bank.incr("t", "a"), bank.incr("t", "a")]);
    gate.open();

    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await bank.incr("t", "a")).toBe(1);
    expect(reads).toBe(2);
  });
});
