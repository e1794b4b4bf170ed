import { createRequire } from "node:module";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Callback } from "../../src/databank/callback.js";
import { Databank } from "../../src/databank/databank.js";
import { DatabankObject, type ObjectBank } from "../../src/databank/databank-object.js";
import { NoSuchThingError } from "../../src/databank/errors.js";
import { memoryDriver } from "../../src/drivers/memory.js";

const schema = { album: { pkey: "title", indices: ["by.last"] } };

/** A class of albums in a databank of its own. */
function albums(bank: ObjectBank = new Databank(memoryDriver(), { schema })) {
  const Album = DatabankObject.subClass("album");
  Album.bank = () => bank;
  return { Album, bank };
}

afterEach(() => {
  DatabankObject.bank = null;
});

describe("a class of stored objects", () => {
  it("keeps objects under their pkey", async () => {
    const { Album } = albums();

    const created = await Album.create({ title: "Blue", year: 1971 });
    const found = await Album.get("Blue");

    expect(created).toBeInstanceOf(Album);
    expect(found).toBeInstanceOf(Album);
    expect(found).toMatchObject({ title: "Blue", year: 1971 });
    expect(String(found)).toBe("[album Blue]");
    expect(String(new Album())).toBe("[album Undefined]");
    await expect(Album.get("Red")).rejects.toBeInstanceOf(NoSuchThingError);
  });

  it("updates, saves and deletes them", async () => {
    const { Album, bank } = albums();
    const album = await Album.create({ title: "Blue", year: 1970, label: "x" });

    expect(await album.update({ year: 1971 })).toBe(album);
    expect(await Album.get("Blue")).toEqual(album);
    delete album.label;
    await album.save();
    expect(await (bank as Databank).read("album", "Blue")).toEqual({ title: "Blue", year: 1971 });
    await new Album({ title: "Hejira" }).save();
    await album.del();

    expect(await Album.readArray(["Hejira", "Blue"])).toMatchObject([{ title: "Hejira" }, null]);
    await expect(album.del()).rejects.toBeInstanceOf(NoSuchThingError);
    await expect(album.update({})).rejects.toBeInstanceOf(NoSuchThingError);
  });

  it("searches, scans and reads many, and tells afterGet of each", async () => {
    const { Album } = albums();
    Album.prototype.afterGet = function (callback) {
      this.seen = true;
      callback(null);
    };
    await Album.create({ title: "Blue", by: { last: "Mitchell" } });
    await Album.create({ title: "Low", by: { last: "Bowie" } });

    const scanned: unknown[] = [];
    await Album.scan((album) => scanned.push(album));

    expect(await Album.search({ "by.last": "Bowie" })).toMatchObject([
      { title: "Low", seen: true },
    ]);
    expect(scanned).toMatchObject([
      { title: "Blue", seen: true },
      { title: "Low", seen: true },
    ]);
    expect(await Album.readAll(["Low", "x", "Low"])).toMatchObject({
      Low: { title: "Low", seen: true },
      x: null,
    });
    expect(await Album.readAll([])).toEqual({});
  });

  it("refuses objects without their id", async () => {
    const { Album } = albums();
    const expected = {
      code: "DATABANK_INVALID_OPTION",
      message: "A 'album' cannot be stored without its title, which is its id",
    };

    await expect(Album.create({ year: 1971 })).rejects.toMatchObject(expected);
    await expect(new Album({ year: 1971 }).save()).rejects.toMatchObject(expected);
    await expect(new Album({}).del()).rejects.toMatchObject(expected);
  });

  it("needs a databank", async () => {
    const Album = DatabankObject.subClass("album");
    await expect(Album.get("Blue")).rejects.toThrow("Set DatabankObject.bank");

    DatabankObject.bank = new Databank(memoryDriver());

    await Album.create({ id: "Blue" });
    expect(await Album.get("Blue")).toEqual(new Album({ id: "Blue" }));
  });

  it("finds its pkey in its schema, then in the databank's, else it is id", () => {
    const { Album } = albums();
    const Other = DatabankObject.subClass("other");

    expect([Album.pkey(), Other.pkey()]).toEqual(["title", "id"]);
    Album.schema = { album: { pkey: "code" } };
    expect(Album.pkey()).toBe("code");
    Album.schema = { pkey: "name" };
    expect(Album.pkey()).toBe("name");
    Album.pkey = () => "serial";
    expect(Album.pkey()).toBe("serial");
  });

  it("takes callbacks everywhere", async () => {
    const { Album } = albums();
    const called = <T>(invoke: (done: Callback<T>) => void) =>
      new Promise<unknown[]>((resolve) => invoke((...args) => resolve(args)));

    const [, album] = await called<DatabankObject>((done) => Album.create({ title: "Blue" }, done));
    expect(await called((done) => Album.get("Blue", done))).toEqual([null, album]);
    expect(await called((done) => Album.get("Red", done))).toEqual([expect.any(NoSuchThingError)]);
    expect(await called((done) => Album.search({}, done))).toEqual([null, [album]]);
    expect(await called((done) => Album.readAll(["Blue"], done))).toEqual([null, { Blue: album }]);
    expect(await called((done) => Album.readArray(["Blue"], done))).toEqual([null, [album]]);
    const each = vi.fn();
    expect(await called((done) => Album.scan(each, done))).toEqual([null]);
    expect(each).toHaveBeenCalledExactlyOnceWith(album);
    const object = new Album({ title: "Blue" });
    expect(await called((done) => object.update({ a: 1 }, done))).toEqual([null, object]);
    expect(await called((done) => object.save(done))).toEqual([null, object]);
    expect(await called((done) => object.del(done))).toEqual([null]);
  });

  it("has methods that work when they are taken off it", async () => {
    const { Album } = albums();
    const { create, get } = Album;

    await create({ title: "Blue" });

    expect(await Promise.all(["Blue"].map((title) => get(title)))).toMatchObject([
      { title: "Blue" },
    ]);
  });

  it("can be extended with class", async () => {
    class Album extends albums().Album {
      get name(): string {
        return String(this.title).toUpperCase();
      }
    }
    await Album.create({ title: "Blue" });

    const found: unknown = await Album.get("Blue");

    expect(found).toBeInstanceOf(Album);
    expect((found as Album).name).toBe("BLUE");
  });

  it("can be the parent of another, whose init it shares", async () => {
    const { Album: Parent, bank } = albums();
    Parent.init = (object, properties) => {
      DatabankObject.init(object, { kind: "parent", ...properties });
    };
    Parent.prototype.afterGet = function (callback) {
      this.seen = "by parent";
      callback(null);
    };
    const Single = DatabankObject.subClass("single", Parent);
    Single.bank = () => bank;
    await Single.create({ id: "a" });

    const found = await Single.get("a");

    expect(found).toEqual(new Single({ id: "a", kind: "parent", seen: "by parent" }));
    expect(found).toBeInstanceOf(Parent);
    expect(Single.parent).toBe(Parent);
    expect(await (bank as Databank).find("album", "a")).toBeNull();
  });

  it("keeps a property called __proto__ as one, and changes no prototype", async () => {
    const { Album } = albums();
    await Album.create(JSON.parse('{"title":"Blue","__proto__":{"isAdmin":true},"constructor":1}'));

    const found = await Album.get("Blue");

    expect(found.isAdmin).toBeUndefined();
    expect(found).toBeInstanceOf(Album);
    expect(Object.keys(found)).toEqual(["title", "__proto__", "constructor"]);
    await found.save();
    const copy = {};
    DatabankObject.copy(copy, found);
    expect(Object.keys(copy)).toHaveLength(3);
  });

  it("works on a databank of the old package", async () => {
    const required: unknown = createRequire(__filename)("databank");
    const { Databank: Old } = required as { Databank: { get(...args: unknown[]): Databank } };
    const bank = Old.get("memory", { schema });
    await new Promise((resolve) => bank.connect({}, resolve));
    const { Album } = albums(bank);

    await Album.create({ title: "Blue" });

    expect(await Album.readAll(["Blue", "Red"])).toMatchObject({
      Blue: { title: "Blue" },
      Red: null,
    });
    expect(await Album.search({ title: "Blue" })).toHaveLength(1);
  });
});

describe("hooks", () => {
  it("may change what is created, read and updated", async () => {
    const { Album } = albums();
    Album.beforeCreate = (given, done) => done(null, { ...given, title: "Blue", by: "create" });
    Album.beforeGet = (id, done) => done(null, String(id).trim());
    Album.prototype.beforeUpdate = (given, done) => done(null, { ...given, by: "update" });
    const album = await Album.create({ year: 1971 });
    expect(album).toMatchObject({ title: "Blue", year: 1971, by: "create" });

    await album.update({ year: 1972 });

    expect(await Album.get(" Blue ")).toMatchObject({ year: 1972, by: "update" });
    expect(Object.keys(await Album.readAll([" Blue ", "x "]))).toEqual(["Blue", "x"]);
    expect(await Album.readArray(["x", " Blue"])).toMatchObject([null, { year: 1972 }]);
  });

  it("run around each step, in order", async () => {
    const { Album } = albums();
    const order: string[] = [];
    for (const name of [
      "afterCreate",
      "afterGet",
      "afterUpdate",
      "beforeSave",
      "afterSave",
      "beforeDel",
      "afterDel",
    ] as const) {
      Album.prototype[name] = (callback: Callback<unknown>) => {
        order.push(name);
        setImmediate(callback, null);
      };
    }

    const album = await Album.create({ title: "Blue" });
    await Album.get("Blue");
    await album.update({ a: 1 });
    await album.save();
    await album.del();

    expect(order).toEqual([
      "afterCreate",
      "afterGet",
      "afterUpdate",
      "beforeSave",
      "afterSave",
      "beforeDel",
      "afterDel",
    ]);
  });

  it("may return promises, or nothing where they take no callback", async () => {
    const { Album } = albums();
    Album.beforeCreate = async (given) => ({ ...given, title: "Blue" });
    Album.beforeGet = async () => "Blue";
    Album.prototype.afterCreate = function () {
      this.made = true;
    };
    Album.prototype.beforeUpdate = async () => undefined;

    const album = await Album.create({});
    await album.update({ year: 1971 });

    expect(album.made).toBe(true);
    expect(await Album.get("anything")).toMatchObject({ year: 1971 });
  });

  it("keep what they were given where they give nothing back", async () => {
    const { Album } = albums();
    Album.beforeCreate = (_given, done) => done(null);
    Album.beforeGet = (_id, done) => done(null);

    await Album.create({ title: "Blue" });

    expect(await Album.get("Blue")).toMatchObject({ title: "Blue" });
  });

  it("stop what they hook when they fail", async () => {
    const { Album, bank } = albums();
    const error = new Error("not today");
    const refuse = (done: Callback<unknown>) => done(error);
    await Album.create({ title: "Blue" });

    Album.beforeCreate = (_given, done) => done(error);
    Album.beforeGet = () => Promise.reject(error);
    Album.prototype.beforeDel = () => {
      throw error;
    };
    Album.prototype.beforeSave = refuse;
    Album.prototype.beforeUpdate = (_given, done) => done(error);
    Album.prototype.afterGet = refuse;

    const album = new Album({ title: "Blue", changed: true });
    for (const refused of [
      () => Album.create({ title: "Red" }),
      () => Album.get("Blue"),
      () => Album.readAll(["Blue"]),
      () => Album.search({}),
      () => Album.scan(() => {}),
      () => album.del(),
      () => album.save(),
      () => album.update({ x: 1 }),
    ]) {
      await expect(refused()).rejects.toBe(error);
    }
    expect(await (bank as Databank).readAll("album", ["Blue", "Red"])).toEqual({
      Blue: { title: "Blue" },
      Red: null,
    });
  });

  it("count once, however often they call back", async () => {
    const { Album } = albums();
    Album.beforeGet = (id, done) => {
      done(null, id);
      done(new Error("too late"));
      done(null, "other");
    };
    await Album.create({ title: "Blue" });

    expect(await Album.get("Blue")).toMatchObject({ title: "Blue" });
  });
});
