import { describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import { NoSuchItemError, NoSuchThingError, WrongTypeError } from "../../src/databank/errors.js";
import { memoryDriver } from "../../src/drivers/memory.js";

const openBank = () => new Databank(memoryDriver());
const invalid = expect.objectContaining({ code: "DATABANK_INVALID_OPTION" });
const invalidValue = expect.objectContaining({ code: "DATABANK_INVALID_VALUE" });

describe("incr and decr", () => {
  it("begin at what is added", async () => {
    const bank = openBank();

    expect(await bank.incr("n", "a")).toBe(1);
    expect(await bank.decr("n", "b")).toBe(-1);
    expect(await bank.incrBy("n", "c", 7)).toBe(7);
    expect(await bank.decrBy("n", "d", 5)).toBe(-5);
    expect(await bank.incrBy("n", "e", 0.5)).toBe(0.5);
  });

  it("add to what is there, and leave the deadline alone", async () => {
    const bank = openBank();
    const expiresAt = Date.now() + 60_000;
    await bank.save("n", "a", 40, { expiresAt });

    expect(await bank.incrBy("n", "a", 2)).toBe(42);
    expect(await bank.decr("n", "a")).toBe(41);

    expect(await bank.find("n", "a")).toMatchObject({ value: 41, expiresAt });
  });

  it("refuse anything but numbers", async () => {
    const bank = openBank();
    await bank.save("n", "a", { a: 1 });
    await bank.save("n", "max", Number.MAX_VALUE);
    const wrong: unknown = "1";

    await expect(bank.incr("n", "a")).rejects.toBeInstanceOf(WrongTypeError);
    await expect(bank.incrBy("n", "b", wrong as number)).rejects.toEqual(invalid);
    await expect(bank.incrBy("n", "b", Number.NaN)).rejects.toEqual(invalid);
    await expect(bank.incrBy("n", "max", Number.MAX_VALUE)).rejects.toEqual(invalidValue);
    expect(await bank.read("n", "a")).toEqual({ a: 1 });
    expect(await bank.find("n", "b")).toBeNull();
  });
});

describe("the array methods", () => {
  it("add at both ends, in order", async () => {
    const bank = openBank();

    await bank.append("list", "a", 3);
    await bank.appendAll("list", "a", [4, 5]);
    await bank.prepend("list", "a", 2);
    await bank.prependAll("list", "a", [0, 1]);
    await bank.prependAll("list", "b", ["x", "y"]);

    expect(await bank.read("list", "a")).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await bank.read("list", "b")).toEqual(["x", "y"]);
  });

  it("find items by value", async () => {
    const bank = openBank();
    await bank.save("list", "a", [{ x: 1, y: 2 }, "b", null, "b"]);

    expect(await bank.indexOf("list", "a", { y: 2, x: 1 })).toBe(0);
    expect(await bank.indexOf("list", "a", "b")).toBe(1);
    expect(await bank.indexOf("list", "a", null)).toBe(2);
    expect(await bank.indexOf("list", "a", "B")).toBe(-1);
  });

  it("give items and slices", async () => {
    const bank = openBank();
    await bank.save("list", "a", ["a", null, "c", "d"]);

    expect(await bank.item("list", "a", 1)).toBeNull();
    await expect(bank.item("list", "a", 4)).rejects.toBeInstanceOf(NoSuchItemError);
    await expect(bank.item("list", "a", -1)).rejects.toEqual(invalid);
    expect(await bank.slice("list", "a", 1, 3)).toEqual([null, "c"]);
    expect(await bank.slice("list", "a", -1)).toEqual(["d"]);
    expect(await bank.slice("list", "a")).toHaveLength(4);
    expect(await bank.length("list", "a")).toBe(4);
  });

  it("remove the first of each kind, and nothing for what is absent", async () => {
    const bank = openBank();
    await bank.save("list", "a", [1, 2, { x: 1 }, 1, 2]);

    await bank.remove("list", "a", 1);
    await bank.removeAll("list", "a", [2, { x: 1 }, "absent"]);

    expect(await bank.read("list", "a")).toEqual([1, 2]);
  });

  it("truncate, and never lengthen", async () => {
    const bank = openBank();
    await bank.save("list", "a", [1, 2, 3]);

    await bank.truncate("list", "a", 5);
    expect(await bank.length("list", "a")).toBe(3);
    await bank.truncate("list", "a", 2);
    expect(await bank.read("list", "a")).toEqual([1, 2]);
    await bank.truncate("list", "a", 0);
    expect(await bank.read("list", "a")).toEqual([]);
    await expect(bank.truncate("list", "a", -1)).rejects.toEqual(invalid);
  });

  it("truncate the bank that was asked, not another one", async () => {
    const [one, two] = [openBank(), openBank()];
    await Promise.all([one.save("list", "a", [1, 2, 3]), two.save("list", "a", [9, 8])]);

    await Promise.all([one.truncate("list", "a", 1), two.length("list", "a")]);

    expect([await one.read("list", "a"), await two.read("list", "a")]).toEqual([[1], [9, 8]]);
  });

  it("refuse what is missing or no array", async () => {
    const bank = openBank();
    await bank.save("list", "no", "abc");

    for (const [id, error] of [
      ["no", WrongTypeError],
      ["missing", NoSuchThingError],
    ] as const) {
      await expect(bank.item("list", id, 0)).rejects.toBeInstanceOf(error);
      await expect(bank.slice("list", id, 0)).rejects.toBeInstanceOf(error);
      await expect(bank.indexOf("list", id, 0)).rejects.toBeInstanceOf(error);
      await expect(bank.length("list", id)).rejects.toBeInstanceOf(error);
      await expect(bank.remove("list", id, 0)).rejects.toBeInstanceOf(error);
      await expect(bank.removeAll("list", id, [0])).rejects.toBeInstanceOf(error);
      await expect(bank.truncate("list", id, 0)).rejects.toBeInstanceOf(error);
    }
    await expect(bank.append("list", "no", 0)).rejects.toBeInstanceOf(WrongTypeError);
    await expect(bank.prepend("list", "no", 0)).rejects.toBeInstanceOf(WrongTypeError);
    expect(await bank.read("list", "no")).toBe("abc");
  });

  it("refuse items that are no array, or that JSON cannot hold", async () => {
    const bank = openBank();
    const text: unknown = "abc";

    await expect(bank.appendAll("list", "a", text as [])).rejects.toEqual(invalid);
    await expect(bank.removeAll("list", "a", text as [])).rejects.toEqual(invalid);
    await expect(bank.append("list", "a", undefined)).rejects.toEqual(invalidValue);
    expect(await bank.find("list", "a")).toBeNull();
  });
});

describe("readAndModify", () => {
  it("stores the initial value where nothing is, and changes what is there", async () => {
    const bank = openBank();
    const change = (value: number) => value * 2;

    expect(await bank.readAndModify("n", "a", 3, change)).toBe(3);
    expect(await bank.readAndModify("n", "a", 3, change)).toBe(6);
  });
});
