import { describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import { AlreadyExistsError, NoSuchThingError } from "../../src/databank/errors.js";
import { isSameLife } from "../../src/databank/version.js";
import { memoryDriver } from "../../src/drivers/memory.js";

const openBank = () => new Databank(memoryDriver());
const HOUR_MS = 3_600_000;
const invalid = (message: string) =>
  expect.objectContaining({
    code: "DATABANK_INVALID_OPTION",
    message: expect.stringContaining(message),
  });

describe("create, read, update, save and del", () => {
  it("create refuses an id that is taken", async () => {
    const bank = openBank();
    await bank.create("planet", "mars", { moons: 2 });

    await expect(bank.create("planet", "mars", {})).rejects.toBeInstanceOf(AlreadyExistsError);
    expect(await bank.read("planet", "mars")).toEqual({ moons: 2 });
  });

  it("read, update and del refuse an id where nothing is", async () => {
    const bank = openBank();

    await expect(bank.read("planet", "x")).rejects.toBeInstanceOf(NoSuchThingError);
    await expect(bank.update("planet", "x", 1)).rejects.toBeInstanceOf(NoSuchThingError);
    await expect(bank.del("planet", "x")).rejects.toBeInstanceOf(NoSuchThingError);
    expect(await bank.find("planet", "x")).toBeNull();
  });

  it("update replaces the value, whole", async () => {
    const bank = openBank();
    await bank.save("planet", "mars", { moons: 2, color: "red" });

    await bank.update("planet", "mars", { moons: 3 });

    expect(await bank.read("planet", "mars")).toEqual({ moons: 3 });
  });

  it("take a snapshot of the value at the call, and give copies back", async () => {
    const bank = openBank();
    const value = { moons: ["phobos"] };

    const saving = bank.save("planet", "mars", value);
    value.moons.push("deimos");
    const saved = await saving;
    saved.moons.push("third");

    expect(await bank.read("planet", "mars")).toEqual({ moons: ["phobos"] });
  });

  it("take numbers as ids", async () => {
    const bank = openBank();
    await bank.save("planet", 4, "mars");

    expect(await bank.read("planet", "4")).toBe("mars");
    expect(await bank.readAll("planet", [4, 5])).toEqual({ 4: "mars", 5: null });
  });

  it.each([undefined, null, Number.NaN, {}, ["a"], true])("refuse %s as an id", async (wrong) => {
    const bank = openBank();
    const id: unknown = wrong;

    await expect(bank.save("planet", id as string, 1)).rejects.toEqual(invalid("An id must be"));
    await expect(bank.save(id as string, "mars", 1)).rejects.toEqual(invalid("A type must be"));
  });

  it("treat names that every object has like any other", async () => {
    const bank = openBank();
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      expect(await bank.find(name, name)).toBeNull();
      await bank.create(name, name, { name });
      expect(await bank.read(name, name)).toEqual({ name });
    }

    const all = await bank.readAll("__proto__", ["__proto__", "toString"]);

    expect(Object.entries(all)).toEqual([
      ["__proto__", { name: "__proto__" }],
      ["toString", null],
    ]);
    expect(Object.getPrototypeOf(all)).toBe(Object.prototype);
  });

  it("refuse what JSON cannot hold", async () => {
    const bank = openBank();

    for (const value of [undefined, () => {}, 1n]) {
      await expect(bank.save<unknown>("t", "a", value)).rejects.toMatchObject({
        code: "DATABANK_INVALID_VALUE",
      });
    }
  });

  it("readAll refuses ids that are no array", async () => {
    const ids: unknown = "abc";

    await expect(openBank().readAll("t", ids as [])).rejects.toEqual(invalid("an array of ids"));
  });

  it("readAll reads more ids than may wait at once", async () => {
    const bank = new Databank(memoryDriver(), { maxPending: 1000 });
    const ids = Array.from({ length: 2500 }, (_, i) => i);
    await bank.save("t", 2400, "far");

    const all = await bank.readAll("t", ids);

    expect(Object.keys(all)).toHaveLength(2500);
    expect(all[2400]).toBe("far");
  });

  it("del with a version deletes that version only", async () => {
    const bank = openBank();
    await bank.save("t", "a", 1);
    const first = await bank.find("t", "a");
    await bank.update("t", "a", 2);
    const second = await bank.find("t", "a");

    expect(await bank.del("t", "a", { if: first?.version ?? "" })).toBe(false);
    expect(await bank.del("t", "a", { if: second?.version ?? "" })).toBe(true);
    expect(await bank.del("t", "a", { if: second?.version ?? "" })).toBe(false);
  });

  it("del refuses a condition that is no version", async () => {
    await expect(openBank().del("t", "a", { if: "present" })).rejects.toEqual(
      invalid("must be the version"),
    );
  });
});

describe("expiresAt", () => {
  it("can be a number, a Date or null", async () => {
    const bank = openBank();
    const moment = Date.now() + HOUR_MS;

    await bank.create("t", "number", 1, { expiresAt: moment });
    await bank.create("t", "date", 1, { expiresAt: new Date(moment) });
    await bank.create("t", "fraction", 1, { expiresAt: moment - 0.5 });
    await bank.create("t", "never", 1, { expiresAt: null });

    expect((await bank.find("t", "number"))?.expiresAt).toBe(moment);
    expect((await bank.find("t", "date"))?.expiresAt).toBe(moment);
    expect((await bank.find("t", "fraction"))?.expiresAt).toBe(moment);
    expect((await bank.find("t", "never"))?.expiresAt).toBeNull();
  });

  it("in the past leaves nothing", async () => {
    const bank = openBank();
    await bank.save("t", "a", 1);

    await bank.save("t", "a", 2, { expiresAt: Date.now() - 1 });

    expect(await bank.find("t", "a")).toBeNull();
    await bank.create("t", "a", 3);
  });

  it("must be a moment, and in milliseconds", async () => {
    const bank = openBank();
    const wrong: unknown[] = [Number.NaN, Number.POSITIVE_INFINITY, new Date("x"), "tomorrow"];

    for (const expiresAt of wrong) {
      const options = { expiresAt: expiresAt as number };
      await expect(bank.save("t", "a", 1, options)).rejects.toEqual(invalid("expiresAt must be"));
      await expect(bank.touch("t", "a", options.expiresAt)).rejects.toEqual(
        invalid("expiresAt must be"),
      );
    }
    const seconds = Math.floor(Date.now() / 1000) + 60;
    await expect(bank.touch("t", "a", seconds)).rejects.toEqual(invalid("looks like seconds"));
  });

  it("is moved forward by touch, never back", async () => {
    const bank = openBank();
    const moment = Date.now() + HOUR_MS;
    await bank.save("t", "a", 1, { expiresAt: moment });

    expect(await bank.touch("t", "a", moment - 1)).toBe(true);
    expect((await bank.find("t", "a"))?.expiresAt).toBe(moment);
    expect(await bank.touch("t", "a", new Date(moment + 1))).toBe(true);
    expect((await bank.find("t", "a"))?.expiresAt).toBe(moment + 1);
    expect(await bank.touch("t", "b", moment)).toBe(false);
  });

  it("names options that nobody reads", async () => {
    const options: unknown = { expireAt: Date.now() };

    await expect(openBank().save("t", "a", 1, options as object)).rejects.toEqual(
      invalid("has no option expireAt; did you mean expiresAt?"),
    );
  });
});

describe("write", () => {
  it("on a version goes on with the life and its creation", async () => {
    const bank = openBank();
    await bank.write("t", "a", 1, { createdAt: 5000 });
    const first = await bank.find("t", "a");
    const version = first?.version ?? "";

    const outcome = await bank.write("t", "a", 2, { if: version });

    const second = await bank.find("t", "a");
    expect(outcome).toEqual({ written: true, version: second?.version });
    expect(second).toMatchObject({ value: 2, createdAt: 5000 });
    expect(second?.version).not.toBe(version);
    expect(isSameLife(version, second?.version ?? "")).toBe(true);
  });

  it("on a version that is gone says what is there", async () => {
    const bank = openBank();
    await bank.save("t", "a", 1);
    const { version } = (await bank.find("t", "a")) ?? { version: "" };
    await bank.save("t", "a", 2);
    const current = await bank.find("t", "a");

    expect(await bank.write("t", "a", 3, { if: version })).toEqual({ written: false, current });
    expect(await bank.write("t", "a", 3, { if: version, createdAt: 1 })).toEqual({
      written: false,
      current,
    });
    await bank.del("t", "a");
    expect(await bank.write("t", "a", 3, { if: version })).toEqual({
      written: false,
      current: null,
    });
  });

  it("without a version begins a new life", async () => {
    const bank = openBank();
    await bank.save("t", "a", 1);
    const first = await bank.find("t", "a");

    await bank.write("t", "a", 2);
    await bank.write("t", "b", 2, { if: "absent" });

    const second = await bank.find("t", "a");
    expect(isSameLife(first?.version ?? "", second?.version ?? "")).toBe(false);
    expect(await bank.write("t", "c", 2, { if: "present" })).toEqual({
      written: false,
      current: null,
    });
  });

  it("keeps the later deadline with extend", async () => {
    const bank = openBank();
    const moment = Date.now() + HOUR_MS;
    await bank.save("t", "a", 1, { expiresAt: moment });

    await bank.write("t", "a", 2, { expiresAt: moment - 1, extend: true });
    expect((await bank.find("t", "a"))?.expiresAt).toBe(moment);
    await bank.write("t", "a", 2, { expiresAt: moment - 1 });
    expect((await bank.find("t", "a"))?.expiresAt).toBe(moment - 1);
  });

  it("checks its options", async () => {
    const bank = openBank();

    await expect(bank.write("t", "a", 1, { if: "absnt" })).rejects.toEqual(invalid("if must be"));
    await expect(bank.write("t", "a", 1, { createdAt: 1.5 })).rejects.toEqual(
      invalid("createdAt must be"),
    );
    const misspelt: unknown = { extends: true };
    await expect(bank.write("t", "a", 1, misspelt as object)).rejects.toEqual(
      invalid("did you mean extend?"),
    );
  });
});
