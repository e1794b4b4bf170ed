import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import { NoSuchThingError, NotConnectedError } from "../../src/databank/errors.js";
import {
  isLegacyDatabank,
  type LegacyDatabank,
  type LegacyDriverOptions,
  legacyDriver,
} from "../../src/databank/legacy-driver.js";
import { isSameLife, lifeOf } from "../../src/databank/version.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { collect } from "../support/collect.js";

interface OldPackage {
  readonly Databank: {
    get(driver: string, params: object): LegacyDatabank;
    register(name: string, cls: unknown): void;
  };
}

const required: unknown = createRequire(__filename)("databank");
const old = required as OldPackage;
const HOUR_MS = 3_600_000;

/** A databank of the old package, connected by its owner. */
async function oldBank(): Promise<LegacyDatabank> {
  const bank = old.Databank.get("memory", { schema: { session: { pkey: "sid" } } });
  await new Promise((resolve) => bank.connect({}, resolve));
  return bank;
}

function read(bank: LegacyDatabank, type: string, id: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    bank.read(type, id, (error, value) => (error ? reject(error) : resolve(value)));
  });
}

const save = (bank: LegacyDatabank, type: string, id: string, value: object) =>
  new Promise((resolve) => bank.create(type, id, value, resolve));

const timed: LegacyDriverOptions = {
  deadlineOf: (value) => Object(value).ends ?? null,
  withDeadline: (value, ends) => ({ ...Object(value), ends }),
};

describe("isLegacyDatabank", () => {
  it("tells databanks of the old package from ours and from other things", async () => {
    expect(isLegacyDatabank(await oldBank())).toBe(true);
    expect(isLegacyDatabank(new Databank(memoryDriver()))).toBe(false);
    for (const other of [null, undefined, {}, memoryDriver(), "memory:", () => {}]) {
      expect(isLegacyDatabank(other)).toBe(false);
    }
  });
});

describe("a databank of an old one", () => {
  it("works on the same values", async () => {
    const theirs = await oldBank();
    const bank = new Databank(legacyDriver(theirs));
    await save(theirs, "session", "a", { sid: "a", n: 1 });

    expect(await bank.find("session", "a")).toMatchObject({
      value: { sid: "a", n: 1 },
      createdAt: 0,
      expiresAt: null,
    });
    await bank.update("session", "a", { sid: "a", n: 2 });
    await bank.create("session", "b", { sid: "b" });
    await expect(bank.create("session", "b", {})).rejects.toMatchObject({
      code: "DATABANK_ALREADY_EXISTS",
    });
    expect(await read(theirs, "session", "a")).toEqual({ sid: "a", n: 2 });
    expect(await bank.touch("session", "a", Date.now() + HOUR_MS)).toBe(true);
    await bank.del("session", "a");
    await expect(bank.del("session", "a")).rejects.toBeInstanceOf(NoSuchThingError);
    await expect(bank.update("session", "a", {})).rejects.toBeInstanceOf(NoSuchThingError);
    expect(await bank.touch("session", "a", null)).toBe(false);
    await expect(read(theirs, "session", "a")).rejects.toThrow();
  });

  it("declares what it cannot promise", async () => {
    expect(legacyDriver(await oldBank()).capabilities).toMatchObject({
      conditionalWrites: "best-effort",
      clock: "process",
      touch: "rewrite",
    });
  });

  it("leaves the connection to its owner", async () => {
    const theirs = await oldBank();
    const bank = new Databank(legacyDriver(theirs));
    await bank.save("session", "a", { sid: "a" });

    await bank.disconnect();
    expect(await read(theirs, "session", "a")).toEqual({ sid: "a" });

    await bank.connect();
    await new Promise((resolve) => theirs.disconnect(resolve));
    await expect(bank.find("session", "a")).rejects.toBeInstanceOf(NotConnectedError);
  });

  it("finds ids by the schema when it lists", async () => {
    const bank = new Databank(legacyDriver(await oldBank()), {
      schema: { film: { pkey: "title", indices: ["year"] } },
    });
    await bank.save("session", "a", { sid: "a" });
    await bank.save("film", "alien", { title: "alien", year: 1979 });
    await bank.save("film", "psycho", { title: "psycho", year: 1960 });
    await bank.save("undeclared", "x", { a: 1 });

    const ids = async (type: string) => (await collect(bank.scan(type))).map(({ id }) => id);
    expect(await ids("session")).toEqual(["a"]);
    expect((await ids("film")).sort()).toEqual(["alien", "psycho"]);
    expect(await ids("undeclared")).toEqual([""]);
    expect(await collect(bank.search("film", { year: 1960 }))).toMatchObject([{ id: "psycho" }]);
    expect(await collect(bank.search("film", { year: "1960" }))).toEqual([]);
    expect(await collect(bank.search("film", { year: null }))).toEqual([]);
    expect(await bank.count("film")).toBe(2);
    await bank.clear("film");
    expect(await bank.count("film")).toBe(0);
    await expect(bank.clear("undeclared")).rejects.toMatchObject({
      code: "DATABANK_NOT_IMPLEMENTED",
    });
  });

  it("finds ids by a function", async () => {
    const idOf = (type: string, value: unknown) => (type === "t" ? Object(value).key : null);
    const bank = new Databank(legacyDriver(await oldBank(), { idOf }));
    await bank.save("t", "x", { key: "x" });
    await bank.save("u", "y", { key: "y" });

    expect(await collect(bank.scan("t"))).toMatchObject([{ id: "x" }]);
    expect(await collect(bank.scan("u"))).toMatchObject([{ id: "" }]);
  });
});

describe("versions over an old databank", () => {
  it("are those that this process wrote, as long as nobody else writes", async () => {
    const bank = new Databank(legacyDriver(await oldBank()));

    const outcome = await bank.write("t", "a", { b: 1, a: 2 }, { createdAt: 7000 });
    const entry = await bank.find("t", "a");

    expect(outcome).toEqual({ written: true, version: entry?.version });
    expect(entry?.createdAt).toBe(7000);
  });

  it("change with the content that someone else writes, and stay of one life", async () => {
    const theirs = await oldBank();
    const bank = new Databank(legacyDriver(theirs));
    await bank.save("t", "a", { n: 1 });
    const mine = (await bank.find("t", "a"))?.version ?? "";

    await new Promise((resolve) => theirs.update("t", "a", { n: 2 }, resolve));
    const outcome = await bank.write("t", "a", { n: 3 }, { if: mine });

    expect(outcome).toMatchObject({ written: false, current: { value: { n: 2 } } });
    const version = outcome.written ? "" : (outcome.current?.version ?? "");
    expect(isSameLife(version, mine)).toBe(true);
    expect(await bank.write("t", "a", { n: 3 }, { if: version })).toMatchObject({ written: true });
  });

  it("are made of the content where someone else wrote it, whatever the order of its keys", async () => {
    const [one, two] = [await oldBank(), await oldBank()];
    await save(one, "t", "a", { a: 1, b: { c: 1, d: [1, null] } });
    await save(two, "t", "a", { b: { d: [1, null], c: 1 }, a: 1 });

    const [first, second] = await Promise.all(
      [one, two].map((bank) => new Databank(legacyDriver(bank)).find("t", "a")),
    );

    expect(first?.version).toBe(second?.version);
    expect(lifeOf(first?.version ?? "")).toBe("foreign");
  });

  it("begin a new life after a deletion", async () => {
    const theirs = await oldBank();
    const bank = new Databank(legacyDriver(theirs));
    await bank.save("t", "a", { n: 1 });
    const mine = (await bank.find("t", "a"))?.version ?? "";

    await new Promise((resolve) => theirs.del("t", "a", resolve));
    expect(await bank.find("t", "a")).toBeNull();
    await save(theirs, "t", "a", { n: 1 });

    const again = (await bank.find("t", "a"))?.version ?? "";
    expect(isSameLife(again, mine)).toBe(false);
    expect(await bank.del("t", "a", { if: mine })).toBe(false);
    expect(await bank.del("t", "a", { if: again })).toBe(true);
  });

  it("begin a new life when someone else makes again what this process deleted", async () => {
    const theirs = await oldBank();
    const bank = new Databank(legacyDriver(theirs));
    await bank.save("t", "a", { n: 1 });
    const mine = (await bank.find("t", "a"))?.version ?? "";

    await bank.del("t", "a");
    await save(theirs, "t", "a", { n: 1 });

    expect(isSameLife((await bank.find("t", "a"))?.version ?? "", mine)).toBe(false);
  });

  it("let 50 appends at once all count, across databanks of one process", async () => {
    const theirs = await oldBank();
    const banks = Array.from({ length: 50 }, () => new Databank(legacyDriver(theirs)));

    await Promise.all(banks.map((bank, i) => bank.append("t", "a", i)));

    expect(new Set((await read(theirs, "t", "a")) as number[]).size).toBe(50);
  });

  it("let one of many creators win", async () => {
    const theirs = await oldBank();
    const banks = Array.from({ length: 20 }, () => new Databank(legacyDriver(theirs)));

    const outcomes = await Promise.all(
      banks.map((bank, i) => bank.write("t", "a", { i }, { if: "absent" })),
    );

    expect(outcomes.filter(({ written }) => written)).toHaveLength(1);
  });

  it("are remembered for the last 10 000 entries only", { timeout: 60_000 }, async () => {
    const bank = new Databank(legacyDriver(await oldBank()));
    await bank.save("t", "first", 1);
    const version = (await bank.find("t", "first"))?.version ?? "";
    for (let start = 0; start < 10_000; start += 1000) {
      const some = Array.from({ length: 1000 }, (_, i) => bank.save("t", start + i, 1));
      await Promise.all(some);
    }

    expect(lifeOf((await bank.find("t", "first"))?.version ?? "")).toBe("foreign");
    expect(lifeOf(version)).not.toBe("foreign");
  });
});

describe("deadlines over an old databank", () => {
  it("are found in the value and put into it", async () => {
    const theirs = await oldBank();
    const bank = new Databank(legacyDriver(theirs, timed));
    const soon = Date.now() + HOUR_MS;

    await bank.save("t", "a", { n: 1 }, { expiresAt: soon });
    const { version } = (await bank.find("t", "a")) ?? {};
    expect(await read(theirs, "t", "a")).toEqual({ n: 1, ends: soon });

    expect(await bank.touch("t", "a", soon + 5)).toBe(true);
    expect(await bank.touch("t", "a", soon)).toBe(true);
    expect(await bank.find("t", "a")).toMatchObject({ version, expiresAt: soon + 5 });
    expect(await read(theirs, "t", "a")).toEqual({ n: 1, ends: soon + 5 });
    await bank.write("t", "a", { n: 2 }, { expiresAt: soon, extend: true });
    expect(await read(theirs, "t", "a")).toEqual({ n: 2, ends: soon + 5 });
  });

  it("hide what has expired from every method, create included", async () => {
    const theirs = await oldBank();
    const bank = new Databank(legacyDriver(theirs, timed));
    await save(theirs, "t", "a", { ends: Date.now() - 1 });

    expect(await bank.find("t", "a")).toBeNull();
    expect(await bank.touch("t", "a", null)).toBe(false);
    expect(await collect(bank.scan("t"))).toEqual([]);
    expect(await bank.count("t")).toBe(0);
    await expect(bank.del("t", "a")).rejects.toBeInstanceOf(NoSuchThingError);
    await bank.create("t", "a", { n: 1 });
    expect(await read(theirs, "t", "a")).toEqual({ n: 1, ends: null });
  });

  it("delete at once when they have passed", async () => {
    const theirs = await oldBank();
    const bank = new Databank(legacyDriver(theirs, timed));
    await bank.save("t", "a", { n: 1 });

    await bank.save("t", "a", { n: 2 }, { expiresAt: Date.now() - 1 });
    await bank.save("t", "b", { n: 2 }, { expiresAt: Date.now() - 1 });

    await expect(read(theirs, "t", "a")).rejects.toThrow();
    await expect(read(theirs, "t", "b")).rejects.toThrow();
  });

  it("let deleteExpired spare what ended in the last minute, and what has no id", async () => {
    const theirs = await oldBank();
    const idOf = (_type: string, value: unknown) => Object(value).id ?? null;
    const bank = new Databank(legacyDriver(theirs, { ...timed, idOf }));
    const ends = Date.now() - HOUR_MS;
    await save(theirs, "t", "long-ago", { id: "long-ago", ends });
    await save(theirs, "t", "just-now", { id: "just-now", ends: Date.now() - 1 });
    await save(theirs, "t", "nameless", { ends });
    await save(theirs, "t", "misnamed", { id: "other", ends });
    await save(theirs, "t", "live", { id: "live" });

    expect(await bank.deleteExpired("t")).toBe(1);

    await expect(read(theirs, "t", "long-ago")).rejects.toThrow();
    expect(await read(theirs, "t", "just-now")).toMatchObject({ id: "just-now" });
  });
});

describe("an old databank that misbehaves", () => {
  it("loses races with other processes, and the driver makes the best of it", async () => {
    const theirs = await oldBank();
    const bank = new Databank(legacyDriver(theirs));
    const { create, update } = theirs;
    // Another process does the same thing just before.
    theirs.create = (type, id, value, done) =>
      create.call(theirs, type, id, { n: "theirs" }, () =>
        create.call(theirs, type, id, value, done),
      );
    theirs.update = (type, id, value, done) =>
      theirs.del(type, id, () => update.call(theirs, type, id, value, done));

    await expect(bank.create("t", "a", { n: 1 })).rejects.toMatchObject({
      code: "DATABANK_ALREADY_EXISTS",
    });
    await expect(bank.update("t", "a", { n: 1 })).rejects.toBeInstanceOf(NoSuchThingError);
    theirs.create = create;
    await save(theirs, "t", "b", { n: 1 });
    await bank.save("t", "b", { n: 2 });
    expect(await read(theirs, "t", "b")).toEqual({ n: 2 });
  });

  it("has its errors as causes", async () => {
    const theirs = await oldBank();
    const bank = new Databank(legacyDriver(theirs));
    theirs.read = (_type, _id, done) => done(new Error("broken pipe"));
    theirs.scan = (_type, _onResult, done) => done("not even an error");
    theirs.search = () => {
      throw new Error("thrown");
    };

    await expect(bank.find("t", "a")).rejects.toMatchObject({
      code: "DATABANK_DRIVER_FAILED",
      cause: { message: "broken pipe" },
    });
    await expect(bank.count("t")).rejects.toMatchObject({ cause: "not even an error" });
    await expect(bank.save("t", "a", 1)).rejects.toMatchObject({
      cause: { message: "broken pipe" },
    });
    const searching = new Databank(legacyDriver(theirs), { schema: { t: { indices: ["x"] } } });
    await expect(collect(searching.search("t", { x: 1 }))).rejects.toMatchObject({
      cause: { message: "thrown" },
    });
  });

  it("fails as it does, whichever method it is", async () => {
    const theirs = await oldBank();
    const bank = new Databank(legacyDriver(theirs));
    await save(theirs, "t", "a", { n: 1 });
    theirs.update = (_type, _id, _value, done) => done(new Error("disk full"));

    await expect(bank.save("t", "a", { n: 2 })).rejects.toMatchObject({
      cause: { message: "disk full" },
    });
  });

  it("is told from a driver when it is taken for one", async () => {
    const theirs: unknown = await oldBank();

    expect(() => new Databank(theirs as never)).toThrow("pass legacyDriver(it) instead");
  });
});

describe("driver classes of the first generation", () => {
  it("are found in an installed package databank-<name>, and loaded at connect", async () => {
    const bank = Databank.get("caching", {
      source: { driver: "memory", params: {} },
      cache: { driver: "memory", params: {} },
      schema: { t: { pkey: "id" } },
    });

    await bank.connect();
    await bank.save("t", "a", { id: "a" });

    expect(bank.driverName).toBe("caching");
    expect(await bank.read("t", "a")).toEqual({ id: "a" });
    await bank.disconnect();
    await bank.connect();
    await bank.disconnect();
  });

  it("are connected and disconnected by the databank", async () => {
    const required: unknown = createRequire(__filename)("databank/lib/drivers/memory");
    const Memory = required as new (params: object) => LegacyDatabank;
    let bank: LegacyDatabank | undefined;
    class Watched extends Memory {
      constructor(params: object) {
        super(params);
        bank = this;
      }
    }
    Databank.register("watched", Watched as never);
    const ours = Databank.get("watched", {});
    await ours.connect();
    await new Promise((resolve) => bank?.disconnect(resolve));
    await expect(ours.find("t", "a")).rejects.toBeInstanceOf(NotConnectedError);

    await ours.disconnect();

    const failing = Databank.get("watched", {});
    const { connect } = Memory.prototype;
    Memory.prototype.connect = (_params: object, done: (error: Error) => void) =>
      done(new Error("nobody listens there"));
    await expect(failing.connect()).rejects.toMatchObject({
      code: "DATABANK_DRIVER_FAILED",
      cause: { message: "nobody listens there" },
    });
    Memory.prototype.connect = connect;
  });

  it("are refused when a package exports something else", async () => {
    const bank = Databank.get("test", {});

    await expect(bank.connect()).rejects.toThrow("databank-test does not export a driver class");
  });

  it("can be made on a databank of ours", async () => {
    const values = new Map<string, unknown>();
    type Done = (error: unknown, value?: unknown) => void;
    function Shelf(this: object): void {
      Object.assign(this, { isShelf: true });
    }
    const nothing: unknown = undefined;
    Shelf.prototype = new Databank(nothing as never);
    Object.assign(Shelf.prototype, {
      connect: (_params: object, done: Done) => done(null),
      disconnect: (done: Done) => done(null),
      create: (_type: string, id: string, value: unknown, done: Done) => {
        values.set(id, value);
        done(null, value);
      },
      read: (_type: string, id: string, done: Done) =>
        values.has(id) ? done(null, values.get(id)) : done(new NoSuchThingError("t", id)),
    });
    const cls: unknown = Shelf;
    Databank.register("shelf", cls as never);
    const bank = Databank.get("shelf", {});
    await bank.connect();

    await bank.create("t", "a", 1);

    expect(await bank.read("t", "a")).toBe(1);
  });

  it("that extend a databank of ours inherit methods that say what is missing", async () => {
    class Unfinished extends Databank {
      constructor(params: object) {
        super(params as never);
      }
    }
    const bank = new Unfinished({ host: "x" });

    await expect(bank.connect()).rejects.toMatchObject({ code: "DATABANK_NOT_IMPLEMENTED" });
  });
});
