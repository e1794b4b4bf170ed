import { describe, expect, it, vi } from "vitest";
import { report } from "../../src/databank/callback.js";
import { Databank } from "../../src/databank/databank.js";
import { NoSuchThingError } from "../../src/databank/errors.js";
import { memoryDriver } from "../../src/drivers/memory.js";

/** Calls a method with a callback, and resolves to the arguments that the callback got. */
function called(invoke: (callback: (...args: unknown[]) => void) => unknown): Promise<unknown[]> {
  return new Promise((resolve) => {
    let isLater = false;
    invoke((...args) => resolve(isLater ? args : ["called before the method returned"]));
    isLater = true;
  });
}

describe("a method with a callback", () => {
  it("gives it what the promise would give, and null for the error", async () => {
    const bank = new Databank(memoryDriver());
    const soon = Date.now() + 60_000;

    expect(await called((done) => bank.connect({}, done))).toEqual([null]);
    expect(await called((done) => bank.create("t", "a", [1], done))).toEqual([null, [1]]);
    expect(await called((done) => bank.read("t", "a", done))).toEqual([null, [1]]);
    expect(await called((done) => bank.update("t", "a", [2], done))).toEqual([null, [2]]);
    expect(await called((done) => bank.save("t", "a", [3], { expiresAt: soon }, done))).toEqual([
      null,
      [3],
    ]);
    expect(await called((done) => bank.touch("t", "a", null, done))).toEqual([null, true]);
    expect(await called((done) => bank.readAll("t", ["a", "b"], done))).toEqual([
      null,
      { a: [3], b: null },
    ]);
    expect(await called((done) => bank.append("t", "a", 4, done))).toEqual([null]);
    expect(await called((done) => bank.prepend("t", "a", 2, done))).toEqual([null]);
    expect(await called((done) => bank.appendAll("t", "a", [5, 6], done))).toEqual([null]);
    expect(await called((done) => bank.prependAll("t", "a", [0, 1], done))).toEqual([null]);
    expect(await called((done) => bank.item("t", "a", 1, done))).toEqual([null, 1]);
    expect(await called((done) => bank.slice("t", "a", 1, 3, done))).toEqual([null, [1, 2]]);
    expect(await called((done) => bank.slice("t", "a", 5, done))).toEqual([null, [5, 6]]);
    expect(await called((done) => bank.indexOf("t", "a", 6, done))).toEqual([null, 6]);
    expect(await called((done) => bank.remove("t", "a", 6, done))).toEqual([null]);
    expect(await called((done) => bank.removeAll("t", "a", [0, 5], done))).toEqual([null]);
    expect(await called((done) => bank.length("t", "a", done))).toEqual([null, 4]);
    expect(await called((done) => bank.truncate("t", "a", 1, done))).toEqual([null]);
    expect(await called((done) => bank.find("t", "a", done))).toMatchObject([null, { value: [1] }]);
    expect(await called((done) => bank.del("t", "a", done))).toEqual([null]);
    expect(await called((done) => bank.find("t", "a", done))).toEqual([null, null]);
    expect(await called((done) => bank.incr("t", "n", done))).toEqual([null, 1]);
    expect(await called((done) => bank.decr("t", "n", done))).toEqual([null, 0]);
    expect(await called((done) => bank.incrBy("t", "n", 5, done))).toEqual([null, 5]);
    expect(await called((done) => bank.decrBy("t", "n", 2, done))).toEqual([null, 3]);
    expect(await called((done) => bank.write("t", "n", 4, done))).toMatchObject([
      null,
      { written: true },
    ]);
    expect(await called((done) => bank.write("t", "n", 5, { if: "absent" }, done))).toMatchObject([
      null,
      { written: false, current: { value: 4 } },
    ]);
    const double = (value: unknown) => Number(value) * 2;
    expect(await called((done) => bank.modify("t", "n", double, done))).toMatchObject([
      null,
      { value: 8 },
    ]);
    expect(await called((done) => bank.readAndModify("t", "n", 0, double, done))).toEqual([
      null,
      16,
    ]);
    const seen: unknown[] = [];
    const see = (value: unknown) => seen.push(value);
    expect(await called((done) => bank.scan("t", see, done))).toEqual([null]);
    expect(await called((done) => bank.search("t", {}, see, done))).toEqual([null]);
    expect(seen).toEqual([16, 16]);
    expect(await called((done) => bank.count("t", done))).toEqual([null, 1]);
    expect(await called((done) => bank.deleteExpired("t", done))).toEqual([null, 0]);
    expect(await called((done) => bank.del("t", "n", { if: "a.b" }, done))).toEqual([null, false]);
    expect(await called((done) => bank.clear("t", done))).toEqual([null]);
    expect(await called((done) => bank.disconnect(done))).toEqual([null]);
  });

  it("gives it the error alone, and its promise does not reject", async () => {
    const bank = new Databank(memoryDriver());
    let promise: unknown;

    const args = await called((done) => {
      promise = bank.read("t", "a", done);
    });

    expect(args).toEqual([expect.any(NoSuchThingError)]);
    expect(await promise).toBeUndefined();
  });

  it("gives it an error too where a program has thrown nothing", async () => {
    const bank = new Databank(memoryDriver());
    const nothing = () => {
      // biome-ignore lint/style/useThrowOnlyError: programs may.
      throw undefined;
    };

    const args = await called((done) => bank.modify("t", "a", nothing, done));

    expect(args).toEqual([expect.any(Error)]);
  });

  it("tells of wrong arguments through the callback too", async () => {
    const bank = new Databank(memoryDriver());
    const wrong: unknown = undefined;

    const [error] = await called((done) => bank.read("t", wrong as string, done));

    expect(error).toMatchObject({
      code: "DATABANK_INVALID_OPTION",
      message: "An id must be a text or a number, not undefined",
    });
  });

  it("finds it where options were left out or null", async () => {
    const bank = new Databank(memoryDriver());

    expect(await called((done) => bank.save("t", "a", 1, undefined, done))).toEqual([null, 1]);
    expect(await called((done) => bank.save("t", "a", 2, null, done))).toEqual([null, 2]);
    expect(await called((done) => bank.connect(done))).toEqual([null]);
  });
});

describe("report", () => {
  it("lets what the callback throws surface as the application's own, once", async () => {
    const callback = vi.fn((..._args: unknown[]) => {
      throw new Error("the application's own");
    });
    const uncaught: Error[] = [];
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => uncaught.push(error));

    const failure = new Error("the databank's");
    await report(Promise.resolve(1), callback);
    await report(Promise.reject(failure), callback);
    await new Promise(setImmediate);

    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener);
    expect(callback.mock.calls).toEqual([[null, 1], [failure]]);
    expect(uncaught.map(({ message }) => message)).toEqual([
      "the application's own",
      "the application's own",
    ]);
  });
});
