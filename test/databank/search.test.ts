import { describe, expect, it, onTestFinished, vi } from "vitest";
import { Matcher, valueAt } from "../../src/databank/criteria.js";
import { Databank } from "../../src/databank/databank.js";
import type { Criterion, Driver, Page } from "../../src/databank/driver.js";
import { NotImplementedError } from "../../src/databank/errors.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { collect } from "../support/collect.js";

const matches = (value: unknown, criteria: object) => new Matcher({ ...criteria }).matches(value);

describe("valueAt", () => {
  it.each([
    [{ a: { b: 1 } }, "a.b", 1],
    [{ "a.b": 2, a: { b: 1 } }, "a.b", 2],
    [{ a: { "b.c": 3 } }, "a.b.c", 3],
    [{ a: { b: 1 } }, "a.c", undefined],
    [{ a: null }, "a", null],
    [{ a: null }, "a.b", undefined],
    [{ a: "text" }, "a.length", undefined],
    [{ tags: ["x", { y: 1 }] }, "tags.0", "x"],
    [{ tags: ["x", { y: 1 }] }, "tags.1.y", 1],
    [{ tags: ["x"] }, "tags.length", undefined],
    [{ tags: ["x"] }, "tags.00", undefined],
    [{}, "toString", undefined],
    [{}, "__proto__", undefined],
    [JSON.parse('{"__proto__":{"a":1}}'), "__proto__.a", 1],
    ["text", "0", undefined],
    [null, "a", undefined],
  ])("of %j at %s is %j", (value, path, expected) => {
    expect(valueAt(value, path)).toEqual(expected);
  });
});

describe("criteria", () => {
  it.each([
    [{ a: 1 }, {}, true],
    [{ a: 1 }, { a: 1 }, true],
    [{ a: 1 }, { a: "1" }, false],
    [{ a: "1" }, { a: 1 }, false],
    [{ a: 0 }, { a: false }, false],
    [{ a: null }, { a: null }, true],
    [{}, { a: null }, false],
    [{ tags: ["p", "q"] }, { tags: "p,q" }, false],
    [{ tags: ["p", "q"] }, { tags: ["p", "q"] }, true],
    [{ tags: ["p", "q"] }, { tags: ["q", "p"] }, false],
    [{ o: { x: 1, y: { z: 2 } } }, { o: { y: { z: 2 }, x: 1 } }, true],
    [{ o: { x: 1, y: 2 } }, { o: { x: 1 } }, false],
    [{ a: 1, b: 2 }, { a: 1, b: 3 }, false],
    [{ a: 5 }, { a: { $gt: 1 } }, false],
    ["text", { length: 4 }, false],
  ])("of %j with %j hold: %s", (value, criteria, expected) => {
    expect(matches(value, criteria)).toBe(expected);
  });
});

async function filmBank(driver: Driver = memoryDriver()): Promise<Databank> {
  const bank = new Databank(driver, { schema: { film: { indices: ["by.last"] } } });
  await bank.save("film", "psycho", { by: { last: "Hitchcock" }, year: 1960 });
  await bank.save("film", "vertigo", { by: { last: "Hitchcock" }, year: 1958 });
  await bank.save("film", "alien", { by: { last: "Scott" }, year: 1979 });
  return bank;
}

describe("search", () => {
  it("gives entries, or values one by one", async () => {
    const bank = await filmBank();

    const found = await collect(bank.search("film", { "by.last": "Hitchcock", year: 1960 }));
    const values: unknown[] = [];
    await bank.search("film", { year: 1979 }, (value) => values.push(value));

    expect(found).toEqual([await bank.find("film", "psycho")]);
    expect(values).toEqual([{ by: { last: "Scott" }, year: 1979 }]);
    expect(await collect(bank.search("film", { year: "1960" }))).toEqual([]);
    expect(await collect(bank.search("nothing", { year: 1 }))).toEqual([]);
    expect(await collect(bank.search("film", {}))).toHaveLength(3);
  });

  it("asks the driver for declared indices only, and looks at each candidate again", async () => {
    const asked: (readonly Criterion[])[] = [];
    const memory = memoryDriver();
    const bank = await filmBank({
      ...memory,
      search: async (type, criteria, page) => {
        asked.push(criteria);
        return (await memory.scan?.(type, page)) ?? { entries: [], cursor: null };
      },
    });

    const found = await collect(bank.search("film", { "by.last": "Hitchcock", year: 1958 }));
    await collect(bank.search("film", { year: 1958 }));
    await collect(bank.search("toString", { "by.last": "x" }));

    expect(found.map(({ id }) => id)).toEqual(["vertigo"]);
    expect(asked).toEqual([[{ path: "by.last", json: '"Hitchcock"' }]]);
  });

  it("refuses criteria that are no object, or no JSON", async () => {
    const bank = await filmBank();
    const wrong: unknown = "year";

    await expect(collect(bank.search("film", wrong as object as never))).rejects.toMatchObject({
      code: "DATABANK_INVALID_OPTION",
    });
    await expect(collect(bank.search("film", { year: undefined }))).rejects.toMatchObject({
      code: "DATABANK_INVALID_VALUE",
    });
  });
});

describe("scan", () => {
  it("gives everything once, over many pages", async () => {
    const bank = new Databank(memoryDriver());
    const ids = Array.from({ length: 250 }, (_, i) => `id-${i}`);
    await Promise.all(ids.map((id) => bank.save("t", id, id)));

    const found = await collect(bank.scan("t"));
    const values: unknown[] = [];
    await bank.scan("t", (value) => values.push(value));

    expect(found.map(({ id }) => id)).toEqual(ids);
    expect(values).toEqual(ids);
    expect(await bank.count("t")).toBe(250);
    expect(await collect(bank.scan("empty"))).toEqual([]);
  });

  it("lets other work in between pages", async () => {
    const bank = new Databank(memoryDriver());
    await Promise.all(Array.from({ length: 300 }, (_, i) => bank.save("t", i, i)));
    let turns = 0;
    const count = () => {
      turns += 1;
      if (turns < 100) setImmediate(count);
    };
    setImmediate(count);

    await bank.scan("t", () => {});

    expect(turns).toBeGreaterThan(1);
  });

  it("can be left early", async () => {
    const bank = await filmBank();

    for await (const entry of bank.scan("film")) {
      expect(entry.id).toBe("psycho");
      break;
    }
    await bank.disconnect();
  });

  it("ends with what onResult throws", async () => {
    const bank = await filmBank();
    const error = new Error("enough");
    let calls = 0;

    const scanning = bank.scan("film", () => {
      calls += 1;
      throw error;
    });

    await expect(scanning).rejects.toBe(error);
    expect(calls).toBe(1);
  });

  it("passes over what is unreadable, and tells who listens, without the text", async () => {
    const driver = memoryDriver();
    const bank = await filmBank(driver);
    const corrupt = { createdAt: 1, expiresAt: null, version: "a.b", json: '{"secret":' };
    await driver.write("film", [{ ...corrupt, id: "torn" }]);
    await bank.save("film", "blade", { by: { last: "Scott" }, year: 1982 });
    const events: { type: string; cause: unknown }[] = [];
    bank.on("corrupt", (event) => events.push(event));

    expect(await collect(bank.scan("film"))).toHaveLength(4);
    expect(await collect(bank.search("film", {}))).toHaveLength(4);
    await new Promise(setImmediate);

    expect(events).toHaveLength(2);
    expect(events[0]).toMatchObject({ type: "film", cause: { code: "DATABANK_CORRUPT_ENTRY" } });
    expect(JSON.stringify(events) + String(events[0]?.cause)).not.toContain("secret");
    await expect(bank.read("film", "torn")).rejects.toMatchObject({
      code: "DATABANK_CORRUPT_ENTRY",
    });
    await bank.save("film", "torn", {});
    expect(await collect(bank.scan("film"))).toHaveLength(5);
  });

  it("tells of what a driver reports, to who listens", async () => {
    const driver = memoryDriver();
    const bank = await filmBank(driver);
    const events: unknown[] = [];
    const listener = (event: unknown) => events.push(event);
    const cause = new Error("torn file");

    bank.once("corrupt", listener);
    driver.onCorrupt?.({ type: "film", cause });
    driver.onCorrupt?.({ type: "film", cause });
    await new Promise(setImmediate);
    bank.on("corrupt", listener).off("corrupt", listener);
    driver.onCorrupt?.({ type: "film", cause });
    await new Promise(setImmediate);

    expect(events).toEqual([{ type: "film", cause }]);
  });
});

describe("a databank whose database cannot list entries", () => {
  const { scan: _scan, count: _count, clear: _clear, ...driver } = memoryDriver();
  const { deleteExpired: _deleteExpired, ...bare } = driver;

  it("says so, and deletes nothing that expired", async () => {
    const bank = await filmBank(bare);

    await expect(collect(bank.scan("film"))).rejects.toBeInstanceOf(NotImplementedError);
    await expect(collect(bank.search("film", {}))).rejects.toBeInstanceOf(NotImplementedError);
    await expect(bank.count("film")).rejects.toBeInstanceOf(NotImplementedError);
    await expect(bank.clear("film")).rejects.toBeInstanceOf(NotImplementedError);
    expect(await bank.deleteExpired("film")).toBe(0);
  });
});

describe("clear and deleteExpired", () => {
  it("empty one type", async () => {
    const bank = await filmBank();
    await bank.save("other", "a", 1);

    await bank.clear("film");

    expect([await bank.count("film"), await bank.count("other")]).toEqual([0, 1]);
  });

  it("goes on until there is nothing left, and resolves to how many", async () => {
    const cursors: (string | null)[] = [];
    const bank = new Databank({
      ...memoryDriver(),
      deleteExpired: async (_type, { cursor }) => {
        cursors.push(cursor);
        return { deleted: 2, cursor: cursors.length < 3 ? String(cursors.length) : null };
      },
    });

    expect(await bank.deleteExpired("t")).toBe(6);
    expect(cursors).toEqual([null, "1", "2"]);
  });

  it("may take longer than one call, because each step is one", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const step = async (_type: string, { cursor }: Page) => {
      vi.advanceTimersByTime(4000);
      const next = Number(cursor) + 1;
      return { live: 1, deleted: 1, cursor: next < 3 ? String(next) : null };
    };
    const driver = { ...memoryDriver(), count: step, clear: vi.fn(step), deleteExpired: step };
    const bank = new Databank(driver, { timeoutMs: 5000 });

    expect(await bank.count("t")).toBe(3);
    await bank.clear("t");
    expect(driver.clear).toHaveBeenCalledTimes(3);
    expect(await bank.deleteExpired("t")).toBe(3);
  });

  it("tries a page again that lost a race, and no other", async () => {
    const errors = [new Error("deadlock"), new Error("deadlock"), new Error("broken pipe")];
    const bank = new Databank({
      ...memoryDriver(),
      count: async () => {
        throw errors.shift() ?? new Error("asked too often");
      },
      retry: (error) => (String(error).includes("deadlock") ? "whole" : "never"),
    });

    await expect(bank.count("t")).rejects.toMatchObject({
      code: "DATABANK_DRIVER_FAILED",
      cause: { message: "broken pipe" },
    });
    expect(errors).toEqual([]);
  });
});

describe("the classic helpers", () => {
  it("look into values", () => {
    const bank = new Databank(memoryDriver());

    expect(Databank.deepProperty({ a: { b: [7] } }, "a.b.0")).toBe(7);
    expect(bank.matchesCriteria({ a: { b: 1 } }, { "a.b": 1 })).toBe(true);
    expect(bank.matchesCriteria({ a: { b: 1 } }, { "a.b": "1" })).toBe(false);
  });
});
