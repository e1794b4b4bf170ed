import { describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import {
  checkNames,
  duration,
  flag,
  similarTo,
  text,
  wholeNumber,
} from "../../src/databank/options.js";
import { memoryDriver } from "../../src/drivers/memory.js";

const thrown = (act: () => unknown): { code?: unknown; message?: unknown } => {
  try {
    act();
  } catch (error) {
    return Object(error);
  }
  return {};
};

describe("similarTo", () => {
  it.each([
    ["timeoutMS", "timeoutMs"],
    ["timoutMs", "timeoutMs"],
    ["maxPnedings", "maxPending"],
    ["scheme", "schema"],
    ["port", undefined],
    ["x", undefined],
  ])("of %s is %s", (name, expected) => {
    expect(similarTo(name, ["timeoutMs", "maxPending", "schema"])).toBe(expected);
  });

  it("prefers the nearest", () => {
    expect(similarTo("rediss", ["redis", "rediss"])).toBe("rediss");
    expect(similarTo("mysqll", ["sqlite", "mysql"])).toBe("mysql");
  });
});

describe("checkNames", () => {
  it("says what is unknown, and what there is", () => {
    expect(thrown(() => checkNames("Thing", { a: 1, b: 2 }, ["a", "cde"]))).toMatchObject({
      code: "DATABANK_INVALID_OPTION",
      message: "Thing has no option b; did you mean a?",
    });
    expect(thrown(() => checkNames("Thing", { xyz: 1 }, ["abc", "def"])).message).toBe(
      "Thing has no option xyz; it has abc, def",
    );
    expect(thrown(() => checkNames("Thing", { xyz: 1 }, [])).message).toBe(
      "Thing has no option xyz; it has none",
    );
    for (const options of [null, "text", ["a"], undefined]) {
      expect(thrown(() => checkNames("Thing", options, ["a"])).message).toBe(
        "The options of Thing must be an object",
      );
    }
  });
});

describe("the checks of values", () => {
  it("let good ones through", () => {
    expect([duration("a", 0), duration("a", 2 ** 31 - 1, 1)]).toEqual([0, 2 ** 31 - 1]);
    expect([wholeNumber("a", 1, 1), wholeNumber("a", 5, 1, 5)]).toEqual([1, 5]);
    expect([flag("a", true), flag("a", false)]).toEqual([true, false]);
    expect(text("a", "x")).toBe("x");
  });

  it.each([
    [
      () => duration("a", -1),
      "a must be a whole number of milliseconds from 0 to 2147483647, not -1",
    ],
    [() => duration("a", 0, 1), "from 1 to 2147483647, not 0"],
    [() => duration("a", 2 ** 31), "not 2147483648"],
    [() => duration("a", "5s"), "not a value of type string"],
    [() => duration("a", Number.NaN), "not NaN"],
    [() => wholeNumber("a", 1.5), "a must be a whole number from 0, not 1.5"],
    [() => wholeNumber("a", 6, 1, 5), "a must be a whole number from 1 to 5, not 6"],
    [() => wholeNumber("a", null), "not null"],
    [() => flag("a", 1), "a must be true or false, not 1"],
    [() => flag("a", ["x"]), "not an array"],
    [() => text("a", ""), "a must be a text that is not empty, not an empty one"],
    [() => text("a", undefined), "not a value of type undefined"],
  ])("stop others (%#)", (act, message) => {
    expect(thrown(act)).toMatchObject({
      code: "DATABANK_INVALID_OPTION",
      message: expect.stringContaining(message),
    });
  });

  it("never repeat a text that was given, which may be a secret", () => {
    expect(thrown(() => flag("a", "s3cret")).message).not.toContain("s3cret");
    expect(thrown(() => duration("a", "s3cret")).message).not.toContain("s3cret");
  });
});

describe("the options of a databank", () => {
  it.each([
    [{ timeoutMs: 0 }, "timeoutMs must be"],
    [{ timeoutMs: "5s" }, "timeoutMs must be"],
    [{ maxPending: 0 }, "maxPending must be"],
    [{ timeout: 5 }, "has no option timeout; did you mean timeoutMs?"],
    [{ schema: [] }, "schema must be an object"],
    [{ schema: "session" }, "schema must be an object"],
    [{ schema: { session: null } }, 'schema["session"] must be an object'],
    [{ schema: { session: { indices: "user" } } }, 'schema["session"].indices must be an array'],
    [{ schema: { session: { indexes: [] } } }, "did you mean indices?"],
  ])("%j are refused", (options, message) => {
    const given: unknown = options;
    const act = () => new Databank(memoryDriver(), given as object);

    expect(thrown(act)).toMatchObject({
      code: "DATABANK_INVALID_OPTION",
      message: expect.stringContaining(message),
    });
  });

  it("may have a schema with more in it, which is the program's", () => {
    const schema = { user: { pkey: "name", fields: ["a"], indices: ["b"], comment: "…" } };

    expect(new Databank(memoryDriver(), { schema }).schema).toBe(schema);
  });

  it("limit how long a call may take, and how many may wait", async () => {
    const stuck = { ...memoryDriver(), read: () => new Promise<never>(() => {}) };
    const bank = new Databank(stuck, { timeoutMs: 300, maxPending: 1 });

    const first = bank.find("t", "a");

    await expect(bank.find("t", "b")).rejects.toMatchObject({ code: "DATABANK_QUEUE_FULL" });
    await expect(first).rejects.toMatchObject({ code: "DATABANK_TIMEOUT" });
  });

  it.each([
    [undefined, "NotImplementedError"],
    [{}, "A driver needs capabilities"],
    [{ capabilities: {}, connect() {}, disconnect() {} }, "A driver needs read"],
    ["memory:", 'use Databank.open("memory:")'],
  ])("come after a driver, not after %j", async (driver, message) => {
    const given: unknown = driver;
    const act = async () => new Databank(given as never).connect();

    await expect(act()).rejects.toThrow(driver === undefined ? /not yet implemented/ : message);
  });
});
