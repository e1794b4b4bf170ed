import { describe, expect, it } from "vitest";
import type { Answer } from "../../src/databank/answer.js";
import { Collector } from "../../src/databank/collector.js";
import { Databank } from "../../src/databank/databank.js";
import type { Driver, Method, StoredEntry, Write } from "../../src/databank/driver.js";
import { newLife } from "../../src/databank/version.js";
import { memoryDriver } from "../../src/drivers/memory.js";

const LIMITS = { timeoutMs: 5000, maxPending: 10_000 };

interface Call {
  readonly method: Method;
  readonly ids: readonly string[];
}

/** A memory driver that gathers calls, tells of each, and lets a test hold or break them. */
function watchedDriver(
  before: (call: Call) => unknown = () => {},
  more: Partial<Driver> = {},
): { driver: Driver; calls: Call[] } {
  const calls: Call[] = [];
  const memory = memoryDriver();
  const watch = async (method: Method, members: readonly { readonly id: string }[]) => {
    const call = { method, ids: members.map(({ id }) => id) };
    calls.push(call);
    await before(call);
  };
  const driver: Driver = {
    ...memory,
    calling: {},
    read: async (type, reads) => {
      await watch("read", reads);
      return memory.read(type, reads);
    },
    write: async (type, writes) => {
      await watch("write", writes);
      return memory.write(type, writes);
    },
    touch: async (type, touches) => {
      await watch("touch", touches);
      return memory.touch(type, touches);
    },
    del: async (type, deletions) => {
      await watch("del", deletions);
      return memory.del(type, deletions);
    },
    ...more,
  };
  return { driver, calls };
}

function collectorOf(driver: Driver, limits: Partial<typeof LIMITS> = {}): Collector {
  return new Collector(() => driver, { ...LIMITS, ...limits });
}

function entry(id: string, more: Partial<Write> = {}): Write {
  return { id, json: "1", version: newLife(), createdAt: 1, expiresAt: null, ...more };
}

function deferred() {
  let open: () => void = () => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

const ids = (count: number) => Array.from({ length: count }, (_, i) => `id${i}`);

describe("the calls of one turn", () => {
  it("are one call of the driver: 64 reads, writes, touches and deletions", async () => {
    const { driver, calls } = watchedDriver();
    const collector = collectorOf(driver);
    await Promise.all(ids(64).map((id) => collector.write("t", entry(id))));
    await Promise.all(ids(64).map((id) => collector.read("t", { id })));
    await Promise.all(ids(64).map((id) => collector.touch("t", { id, expiresAt: null })));
    await Promise.all(ids(64).map((id) => collector.del("t", { id })));

    expect(calls.map(({ method, ids }) => [method, ids.length])).toEqual([
      ["write", 64],
      ["read", 64],
      ["touch", 64],
      ["del", 64],
    ]);
  });

  it("meet although they come from different callbacks of the turn", async () => {
    const { driver, calls } = watchedDriver();
    const collector = collectorOf(driver);
    const reads = ids(3).map(
      (id) =>
        new Promise((resolve) => {
          process.nextTick(() => resolve(collector.read("t", { id })));
        }),
    );
    await Promise.all(reads);

    expect(calls).toHaveLength(1);
  });

  it("of different types are different calls", async () => {
    const { driver, calls } = watchedDriver();
    const collector = collectorOf(driver);
    await Promise.all([collector.read("a", { id: "x" }), collector.read("b", { id: "x" })]);

    expect(calls).toHaveLength(2);
  });

  it("are cut at maxBatch", async () => {
    const { driver, calls } = watchedDriver(undefined, { calling: { maxBatch: 10 } });
    const collector = collectorOf(driver);
    await collector.read("t", { id: "first" });
    await Promise.all(ids(25).map((id) => collector.read("t", { id })));

    expect(calls.slice(1).map(({ ids }) => ids.length)).toEqual([10, 10, 5]);
  });

  it("go out when they are a full batch, and what is left in a turn after that", async () => {
    const { driver, calls } = watchedDriver(undefined, { calling: { maxBatch: 10 } });
    const collector = collectorOf(driver);
    await collector.read("t", { id: "first" });
    const sent = () => calls.slice(1).map(({ ids }) => ids.length);
    const turn = () => new Promise((done) => setImmediate(done));

    const reads = ids(25).map((id) => collector.read("t", { id }));
    const atOnce = sent();
    await turn();
    const atTheEndOfTheTurn = sent();
    await Promise.all(reads);

    expect(atOnce).toEqual([10]);
    expect(atTheEndOfTheTurn).toEqual([10]);
    expect(sent()).toEqual([10, 10, 5]);
  });

  it("gather while maxInFlight calls are under way", async () => {
    const gate = deferred();
    const { driver, calls } = watchedDriver(
      ({ ids }) => (ids[0] === "first" ? undefined : gate.promise),
      { calling: { maxInFlight: 1 } },
    );
    const collector = collectorOf(driver);
    await collector.read("t", { id: "first" });
    const held = collector.read("t", { id: "held" });
    await new Promise((done) => setImmediate(done));
    const behind = [];
    for (const id of ids(5)) {
      behind.push(collector.read("t", { id }));
      await new Promise((done) => setImmediate(done));
    }
    expect(calls).toHaveLength(2);
    gate.open();
    await Promise.all([held, ...behind]);

    expect(calls.at(-1)?.ids).toEqual(ids(5));
  });

  it("go out at once, one by one, where the driver wants that", async () => {
    const { driver, calls } = watchedDriver(undefined, { calling: { immediate: ["read"] } });
    const collector = collectorOf(driver);
    await collector.read("t", { id: "first" });
    const reads = ids(3).map((id) => collector.read("t", { id }));
    expect(calls).toHaveLength(4);
    await Promise.all(reads);
  });
});

describe("a call that comes alone", () => {
  const turn = () => new Promise((done) => setImmediate(done));

  /** Makes some calls, each after the answer to the one before. */
  async function afterLoneCalls(collector: Collector, count: number): Promise<void> {
    for (const id of ids(count)) await collector.read("t", { id });
  }

  it("waits for the end of the turn, unless those before it were alone too", async () => {
    const { driver, calls } = watchedDriver();
    const collector = collectorOf(driver);
    await afterLoneCalls(collector, 7);
    const early = collector.read("t", { id: "early" });
    await Promise.resolve();
    expect(calls).toHaveLength(7);
    await early;

    const late = collector.read("t", { id: "late" });
    await Promise.resolve();
    expect(calls).toHaveLength(9);
    await late;
  });

  it("takes along those that are made with it", async () => {
    const { driver, calls } = watchedDriver();
    const collector = collectorOf(driver);
    await afterLoneCalls(collector, 10);
    await Promise.all(ids(64).map((id) => collector.read("t", { id })));

    expect(calls.slice(10).map(({ ids }) => ids.length)).toEqual([64]);
  });

  it("is alone no more once another is under way: from then on they gather", async () => {
    const gate = deferred();
    const { driver, calls } = watchedDriver(({ ids }) =>
      ids[0] === "held" ? gate.promise : undefined,
    );
    const collector = collectorOf(driver);
    await afterLoneCalls(collector, 10);
    const held = collector.read("t", { id: "held" });
    await turn();
    const others = [collector.read("t", { id: "a" })];
    await Promise.resolve();
    others.push(collector.read("t", { id: "b" }));
    await Promise.all(others);
    gate.open();
    await held;
    const next = collector.read("t", { id: "next" });
    await Promise.resolve();
    expect(calls).toHaveLength(12);
    await next;

    expect(calls.slice(10).map(({ ids }) => ids)).toEqual([["held"], ["a", "b"], ["next"]]);
  });
});

describe("calls that go out at once", () => {
  const everything = { immediate: ["read", "write", "touch", "del"] } as const;

  const collectorWith = (more: Partial<Driver>, limits: Partial<typeof LIMITS> = {}) =>
    collectorOf({ ...memoryDriver(), calling: everything, ...more }, limits);

  it("are answered at once where the driver does so", async () => {
    const collector = collectorOf(memoryDriver());
    for (const call of [
      () => collector.write("t", entry("x")),
      () => collector.read("t", { id: "x" }),
      () => collector.touch("t", { id: "x", expiresAt: null }),
      () => collector.del("t", { id: "x" }),
    ]) {
      await call();
      expect(call()).not.toBeInstanceOf(Promise);
    }
  });

  it("wait for an earlier one of their id", async () => {
    const gate = deferred();
    const { driver, calls } = watchedDriver(({ ids }) => ids[0] === "x" && gate.promise, {
      calling: everything,
    });
    const collector = collectorOf(driver);
    await collector.write("t", entry("first"));
    await collector.read("t", { id: "first" });
    calls.length = 0;

    const written = collector.write("t", entry("x"));
    const read = collector.read("t", { id: "x" });
    const other = collector.read("t", { id: "first" });
    await other;
    expect(calls.map(({ method, ids: [id] }) => [method, id])).toEqual([
      ["write", "x"],
      ["read", "first"],
    ]);
    gate.open();

    expect(await written).toBe("done");
    expect(await read).toMatchObject({ id: "x" });
  });

  it("fail as others do", async () => {
    const answers: (() => Answer<(StoredEntry | Error)[]>)[] = [
      () => [],
      () => [new Error("this one")],
      () => {
        throw new Error("thrown");
      },
      () => Promise.reject(new Error("rejected")),
    ];
    let calls = 0;
    const collector = collectorWith({
      read: () => {
        calls += 1;
        return answers[calls - 2]?.() ?? [entry("first")];
      },
    });
    await collector.read("t", { id: "first" });
    const read = async (id: string) => collector.read("t", { id });

    await expect(read("a")).rejects.toThrow("fewer results");
    await expect(read("b")).rejects.toMatchObject({ cause: { message: "this one" } });
    await expect(read("c")).rejects.toMatchObject({ cause: { message: "thrown" } });
    await expect(read("d")).rejects.toMatchObject({ cause: { message: "rejected" } });
    expect(calls).toBe(5);
    expect(await read("e")).toMatchObject({ id: "first" });
  });

  it("count among those that may be pending", async () => {
    const gate = deferred();
    let calls = 0;
    const collector = collectorWith(
      {
        touch: async () => {
          calls += 1;
          if (calls > 1) await gate.promise;
          return [true];
        },
      },
      { maxPending: 2 },
    );
    const touch = async (id: string) => collector.touch("t", { id, expiresAt: null });
    await touch("first");

    const held = [touch("a"), touch("b")];
    await expect(touch("c")).rejects.toMatchObject({ code: "DATABANK_QUEUE_FULL" });
    expect(calls).toBe(3);
    gate.open();

    expect(await Promise.all(held)).toEqual([true, true]);
  });
});

describe("the calls of one id", () => {
  it("keep their order, whatever their methods", async () => {
    const { driver, calls } = watchedDriver();
    const collector = collectorOf(driver);
    const results = await Promise.all([
      collector.write("t", entry("x", { if: "absent" })),
      collector.touch("t", { id: "x", expiresAt: null }),
      collector.read("t", { id: "x" }),
      collector.del("t", { id: "x" }),
      collector.read("t", { id: "x" }),
      collector.write("t", entry("x", { if: "absent" })),
    ]);

    expect(results.map((result) => result !== null && result)).toMatchObject([
      "done",
      true,
      { id: "x" },
      true,
      false,
      "done",
    ]);
    expect(calls.map(({ method }) => method)).toEqual([
      "write",
      "touch",
      "read",
      "del",
      "read",
      "write",
    ]);
  });

  it("share a read that waits", async () => {
    const { driver, calls } = watchedDriver();
    const collector = collectorOf(driver);
    await collector.write("t", entry("x", { json: "[1]" }));
    const found = await Promise.all([1, 2, 3].map(() => collector.read("t", { id: "x" })));

    expect(calls.filter(({ method }) => method === "read")).toEqual([
      { method: "read", ids: ["x"] },
    ]);
    expect(found.map((each) => each?.json)).toEqual(["[1]", "[1]", "[1]"]);
  });

  it("do not share a read that has gone out: it may be older than what the caller knows", async () => {
    const gate = deferred();
    let reads = 0;
    const { driver } = watchedDriver(({ method }) => {
      if (method !== "read") return undefined;
      reads += 1;
      return reads === 1 ? gate.promise : undefined;
    });
    const collector = collectorOf(driver);
    const first = collector.read("t", { id: "x" });
    await new Promise((done) => setImmediate(done));
    const second = collector.read("t", { id: "x" });
    gate.open();
    await Promise.all([first, second]);

    expect(reads).toBe(2);
  });

  it("leave the value out of a shared read only if all know it", async () => {
    const asked: unknown[] = [];
    const memory = memoryDriver();
    const driver: Driver = {
      ...memory,
      calling: {},
      read: (type, reads) => {
        asked.push(...reads);
        return memory.read(type, reads);
      },
    };
    const collector = collectorOf(driver);
    await Promise.all([
      collector.read("t", { id: "x", known: "a.0" }),
      collector.read("t", { id: "x" }),
    ]);
    await Promise.all([
      collector.read("t", { id: "x", known: "a.0" }),
      collector.read("t", { id: "x", known: "a.0" }),
    ]);

    expect(asked).toEqual([{ id: "x" }, { id: "x", known: "a.0" }]);
  });
});

describe("failures", () => {
  it("of one member leave the others alone, as an error in its place", async () => {
    const memory = memoryDriver();
    const driver: Driver = {
      ...memory,
      calling: {},
      write: async (type, writes) => {
        const results = await memory.write(type, writes);
        return results.map((result, i) =>
          writes[i]?.id === "bad" ? new Error("bad value") : result,
        );
      },
    };
    const collector = collectorOf(driver);
    const [good, bad] = await Promise.allSettled([
      collector.write("t", entry("good")),
      collector.write("t", entry("bad")),
    ]);

    expect(good).toEqual({ status: "fulfilled", value: "done" });
    expect(bad).toMatchObject({ reason: { code: "DATABANK_DRIVER_FAILED" } });
  });

  it("of a batch are tried again one by one, so that one bad member spoils no other", async () => {
    const { driver, calls } = watchedDriver(({ ids }) => {
      if (ids.includes("bad")) throw new Error("bad value");
    });
    const collector = collectorOf(driver);
    const results = await Promise.allSettled(
      ["a", "bad", "c"].map((id) => collector.write("t", entry(id))),
    );

    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(calls.map(({ ids }) => ids.join())).toEqual(["a,bad,c", "a", "bad", "c"]);
  });

  it("that are lost deadlocks are tried again whole", async () => {
    let failures = 3;
    const { driver, calls } = watchedDriver(
      () => {
        failures -= 1;
        if (failures >= 0) throw new Error("deadlock");
      },
      { retry: () => "whole" },
    );
    const collector = collectorOf(driver);
    await Promise.all(["a", "b"].map((id) => collector.write("t", entry(id))));

    expect(calls.map(({ ids }) => ids.length)).toEqual([2, 2, 2, 2]);
  });

  it("of a database out of reach are not tried again", async () => {
    const { driver, calls } = watchedDriver(
      () => {
        throw new Error("connection refused");
      },
      { retry: () => "never" },
    );
    const collector = collectorOf(driver);
    const results = await Promise.allSettled(
      ["a", "b"].map((id) => collector.write("t", entry(id))),
    );

    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(calls).toHaveLength(1);
  });

  it("that are answers too short are errors", async () => {
    const { driver } = watchedDriver(undefined, { read: async () => [] });
    const collector = collectorOf(driver);

    await expect(collector.read("t", { id: "x" })).rejects.toMatchObject({
      code: "DATABANK_DRIVER_FAILED",
    });
  });

  it("a write that finds its own version was done before", async () => {
    const { driver } = watchedDriver();
    const collector = collectorOf(driver);
    const write = entry("x", { if: "absent" });
    await collector.write("t", write);

    expect(await collector.write("t", write)).toBe("done");
    expect(await collector.write("t", entry("x", { if: "absent" }))).toMatchObject({
      conflict: { version: write.version },
    });
  });

  it("a value that is too large fails alone, and is not sent", async () => {
    const memory = memoryDriver();
    const { driver, calls } = watchedDriver(undefined, {
      capabilities: { ...memory.capabilities, maxValueBytes: 10 },
    });
    const collector = collectorOf(driver);
    const [large, small] = await Promise.allSettled([
      collector.write("t", entry("large", { json: '"äääääääää"' })),
      collector.write("t", entry("small")),
    ]);

    expect(large).toMatchObject({ reason: { code: "DATABANK_VALUE_TOO_LARGE" } });
    expect(small).toEqual({ status: "fulfilled", value: "done" });
    expect(calls).toEqual([{ method: "write", ids: ["small"] }]);
  });
});

describe("a driver that is called at once", () => {
  const atOnce = { calling: { immediate: ["read", "write", "touch", "del"] } } as const;

  it.each([
    ["answers too short, at once", () => []],
    ["answers too short, later", async () => []],
    ["answers with an error", () => [new Error("one")]],
    ["throws", () => fail("all")],
    ["rejects", async () => fail("all")],
  ])("and %s gives one error, and the next call comes through", async (_what, read) => {
    let calls = 0;
    const memory = memoryDriver();
    const driver: Driver = {
      ...memory,
      ...atOnce,
      read: (...args) => {
        calls += 1;
        return calls === 1 ? read() : memory.read(...args);
      },
    };
    const bank = new Databank(driver);
    await bank.save("t", "x", 1);

    await expect(bank.find("t", "x")).rejects.toMatchObject({ code: "DATABANK_DRIVER_FAILED" });
    expect(await bank.read("t", "x")).toBe(1);
  });

  it("is not sent a value that is too large, alone or not", async () => {
    const memory = memoryDriver();
    let sent = 0;
    const driver: Driver = {
      ...memory,
      ...atOnce,
      capabilities: { ...memory.capabilities, maxValueBytes: 10 },
      write: (...args) => {
        sent += 1;
        return memory.write(...args);
      },
    };
    const bank = new Databank(driver);
    const saved = await Promise.allSettled([
      bank.save("t", "large", "x".repeat(9)),
      bank.save("t", "fits", "x".repeat(8)),
    ]);

    expect(saved.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    expect(saved[0]).toMatchObject({ reason: { code: "DATABANK_VALUE_TOO_LARGE" } });
    expect(sent).toBe(1);
  });
});

function fail(message: string): never {
  throw new Error(message);
}

describe("a driver that does not keep to the contract", () => {
  it.each([undefined, null, 7, "done"])("and answers with %s has failed", async (answer) => {
    const odd = () => answer as never;
    const oddLater = async () => answer as never;
    for (const method of [odd, oddLater]) {
      const { driver } = watchedDriver(() => {}, {
        read: method,
        write: method,
        touch: method,
        del: method,
      });
      const collector = collectorOf(driver);
      const calls = [
        collector.read("t", { id: "a" }),
        collector.write("t", entry("b")),
        collector.touch("t", { id: "c", expiresAt: null }),
        collector.del("t", { id: "d" }),
      ];

      for (const { status } of await Promise.allSettled(calls)) expect(status).toBe("rejected");
    }
  });

  it("and breaks on an error has failed with that error", async () => {
    const { driver } = watchedDriver(() => fail("down"), {
      retry: () => fail("what was that?"),
    });

    await expect(collectorOf(driver).read("t", { id: "a" })).rejects.toMatchObject({
      cause: { message: "down" },
    });
  });

  it("and has promises of its own kind is waited for", async () => {
    const memory = memoryDriver();
    const thenable = (answer: unknown) =>
      // biome-ignore lint/suspicious/noThenProperty: it is what such promises are known by.
      ({ then: (resolve: (value: unknown) => void) => resolve(answer) }) as never;
    const { driver } = watchedDriver(() => {}, {
      write: (type, writes) => thenable(memory.write(type, writes)),
      read: (type, reads) => thenable(memory.read(type, reads)),
    });
    const collector = collectorOf(driver);

    expect(await collector.write("t", entry("a"))).toBe("done");
    expect(await collector.read("t", { id: "a" })).toMatchObject({ id: "a" });
  });
});

describe("time", () => {
  it("runs out for calls that are sent, queued or waiting behind another, and life goes on", async () => {
    let isStuck = true;
    const { driver } = watchedDriver(() => (isStuck ? new Promise(() => {}) : undefined), {
      calling: { maxInFlight: 1 },
    });
    const collector = collectorOf(driver, { timeoutMs: 300 });
    const sent = collector.read("t", { id: "x" });
    await new Promise((done) => setImmediate(done));
    const queued = collector.read("t", { id: "y" });
    const waiting = collector.write("t", entry("x"));
    const results = await Promise.allSettled([sent, queued, waiting]);
    isStuck = false;

    for (const result of results) {
      expect(result).toMatchObject({ reason: { code: "DATABANK_TIMEOUT" } });
    }
    expect(await collector.read("t", { id: "x" })).toBeNull();
    expect(await collector.read("t", { id: "y" })).toBeNull();
  });

  it("that ran out for one call does not hold up the next one of its id", async () => {
    let writes = 0;
    const { driver } = watchedDriver(({ method }) => {
      if (method !== "write") return undefined;
      writes += 1;
      return writes === 1 ? new Promise(() => {}) : undefined;
    });
    const collector = collectorOf(driver, { timeoutMs: 1000 });
    const stuck = collector.write("t", entry("x"));
    await new Promise((done) => setTimeout(done, 500));
    const next = collector.write("t", entry("x"));

    await expect(stuck).rejects.toMatchObject({ code: "DATABANK_TIMEOUT" });
    expect(await next).toBe("done");
  });

  it("too many calls at once are an error, and others come through", async () => {
    const gate = deferred();
    const { driver } = watchedDriver(() => gate.promise);
    const collector = collectorOf(driver, { maxPending: 3 });
    const accepted = ids(3).map((id) => collector.read("t", { id }));

    await expect(collector.read("t", { id: "one more" })).rejects.toMatchObject({
      code: "DATABANK_QUEUE_FULL",
    });
    gate.open();
    expect(await Promise.all(accepted)).toEqual([null, null, null]);
    expect(await collector.read("t", { id: "one more" })).toBeNull();
  });
});
