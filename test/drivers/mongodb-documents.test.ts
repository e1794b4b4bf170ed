import { describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type { CorruptReport, EntryPage, StoredEntry } from "../../src/databank/driver.js";
import { nextVersion } from "../../src/databank/version.js";
import { clear, count } from "../../src/testing/driver/listing.js";
import { entry } from "../support/entry.js";
import { describeServer } from "../support/servers.js";
import { databaseAt } from "./mongodb-database.js";

describeServer("MONGODB_URL", (url) => {
  const { db, collection, connected } = databaseAt(url);

  async function find(type: string, path: string, value: unknown): Promise<readonly string[]> {
    const driver = await connected({ db }, { [type]: { indices: [path] } });
    const found: string[] = [];
    let cursor: string | null = null;
    do {
      const criteria = [{ path, json: JSON.stringify(value) }];
      const page: EntryPage | undefined = await driver.search?.(type, criteria, {
        limit: 3,
        cursor,
      });
      found.push(...(page?.entries ?? []).map(({ id }) => id));
      cursor = page?.cursor ?? null;
    } while (cursor !== null);
    return found;
  }

  describe("a document", () => {
    it("shows the value as its fields", async () => {
      const driver = await connected();
      const json = '{"cookie":{"expires":null},"user":{"id":7,"tags":["a",1.5]}}';
      const written = entry("a", { json, createdAt: 1234 });

      await driver.write("shown", [written]);

      expect(await collection("shown").find().toArray()).toEqual([
        {
          _id: "a",
          version: written.version,
          createdAt: new Date(1234),
          expiresAt: new Date(Number(written.expiresAt)),
          value: { cookie: { expires: null }, user: { id: 7, tags: ["a", 1.5] } },
        },
      ]);
    });

    it("has null for a deadline that never comes", async () => {
      const driver = await connected();

      await driver.write("never", [entry("a", { expiresAt: null })]);

      expect(await collection("never").findOne()).toMatchObject({ _id: "a", expiresAt: null });
    });

    it.each([
      ["a full stop in a name", '{"a.b":1}', { "a\\u002eb": 1 }],
      ["a dollar that begins a name", '{"$set":1,"a$":2}', { "\\u0024set": 1, a$: 2 }],
      ["NUL in a name", '{"\\u0000":1}', { "\\u0000": 1 }],
      ["half of a surrogate pair in a name", '{"\\ud800":1}', { "\\ud800": 1 }],
      ["a backslash in a name", '{"\\\\u002e":1}', { "\\u005cu002e": 1 }],
      ["an empty name", '{"":{"":1}}', { "\\": { "\\": 1 } }],
      [
        "what clients take for their own",
        '{"_bsontype":"ObjectId"}',
        { "\\u005fbsontype": "ObjectId" },
      ],
    ])("escapes %s, and says so", async (_name, json, value) => {
      const driver = await connected();

      await driver.write("escaped", [entry("a", { json })]);

      expect(await collection("escaped").findOne()).toMatchObject({ encoded: true, value });
      expect(await driver.read("escaped", [{ id: "a" }])).toMatchObject([{ json }]);
    });

    it("holds JSON text where BSON has nothing", async () => {
      const driver = await connected();
      const deep = `${"[".repeat(60)}7${"]".repeat(60)}`;
      const json = `{"half":"a\\ud800","deep":${deep}}`;

      await driver.write("binary", [entry("a", { json })]);

      const found = await collection("binary").findOne({}, { promoteBuffers: true });
      const { half } = Object(found?.value);
      expect(String(half)).toBe('"a\\ud800"');
      expect(await driver.read("binary", [{ id: "a" }])).toMatchObject([{ json }]);
    });

    it("gives its value where that is not known, and only there", async () => {
      const driver = await connected();
      const known = entry("a", { json: '{"n":1}', createdAt: 1234, expiresAt: null });
      await driver.write("known", [known, entry("b", { json: '{"n":2}' })]);

      const found = await driver.read("known", [
        { id: "a", known: known.version },
        { id: "b", known: known.version },
      ]);

      const { version } = known;
      expect(found).toEqual([
        { id: "a", version, createdAt: 1234, expiresAt: null },
        expect.objectContaining({ id: "b", json: '{"n":2}' }),
      ]);
    });

    it("loses its mark when it no longer needs it", async () => {
      const driver = await connected();
      const first = entry("a", { json: '{"a.b":1}' });
      const version = nextVersion(first.version);
      await driver.write("mark", [first]);

      const second = { ...first, if: first.version, version, json: '{"a\\\\u002eb":1}' };
      await driver.write("mark", [second]);
      const third = { ...second, if: version, version: nextVersion(version), json: '{"a":1}' };
      const marked = await collection("mark").findOne();
      await driver.write("mark", [third]);

      expect(marked).toHaveProperty("encoded");
      expect(await collection("mark").findOne()).not.toHaveProperty("encoded");
    });

    it("has the id as its _id, unless UTF-8 has no such text", async () => {
      const driver = await connected();
      const ids = ["", "a.b", "$", "\\", "\\u:", "\\u:\\ud800", "\ud800", "x\udc00\\", "\0"];

      await driver.write(
        "ids",
        ids.map((id) => entry(id)),
      );

      const stored = (await collection("ids").find().toArray()).map(({ _id }) => _id);
      expect(stored.sort()).toEqual(
        [
          "",
          "a.b",
          "$",
          "\\",
          "\\u:\\u005cu:",
          "\\u:\\u005cu:\\u005cud800",
          "\\u:\\ud800",
          "\\u:x\\udc00\\u005c",
          "\0",
        ].sort(),
      );
      const found = await driver.read(
        "ids",
        ids.map((id) => ({ id })),
      );
      expect(found.map((each) => each && "id" in each && each.id)).toEqual(ids);
    });
  });

  it("gives each type a collection that MongoDB allows", async () => {
    const driver = await connected();
    const names = new Map([
      ["session", "session"],
      ["coffees-drunk", "coffees-drunk"],
      ["a.b", "a.b"],
      ["a..b", "a.%2eb"],
      [".a.", "%2ea%2e"],
      ["a$b%", "a%24b%25"],
      ["system.users", "%73ystem.users"],
      ["", "%"],
      ["\0", "%00"],
      ["\ud800", "%ud800"],
      ["größe", "größe"],
      ["x".repeat(91), `${"x".repeat(40)}%zs3YRAcqHmjGG1DHqMbq-S_hS9UIFS1U1xTQ6XHAjxQ4`],
    ]);

    for (const type of names.keys()) await driver.write(type, [entry(type)]);

    const found = new Set((await db.listCollections().toArray()).map(({ name }) => name));
    const missing = [...names.values()].filter((name) => !found.has(name) && !name.includes("%z"));
    expect(missing).toEqual([]);
    expect([...found].filter((name) => /^x{40}%z[\w-]{43}$/.test(name))).toHaveLength(1);
    for (const type of names.keys()) {
      expect(await driver.read(type, [{ id: type }])).toMatchObject([{ id: type }]);
    }
  });

  describe("a search", () => {
    const values: Record<string, unknown> = {
      number: { user: { id: 1 } },
      text: { user: { id: "1" } },
      true: { user: { id: true } },
      null: { user: { id: null } },
      missing: { user: {} },
      object: { user: { id: { b: 2, a: 1 } } },
      array: { user: { id: [1, 2] } },
      minus: { user: { id: -0 } },
      literal: { "user.id": 1 },
      half: { user: { id: "\ud800" } },
      zero: { user: { id: "\0" } },
      operator: { user: { id: { $gt: "" } } },
      text_value: "user.id",
    };

    it("tells types apart, and takes no value for an operator", async () => {
      const bank = new Databank(await connected(), {
        schema: { search: { indices: ["user.id"] } },
      });
      for (const [id, value] of Object.entries(values)) await bank.save("search", id, value);
      const search = async (id: unknown) => {
        const found: string[] = [];
        for await (const each of bank.search("search", { "user.id": id })) found.push(each.id);
        return found.sort();
      };

      expect(await search(1)).toEqual(["literal", "number"]);
      expect(await search("1")).toEqual(["text"]);
      expect(await search(true)).toEqual(["true"]);
      expect(await search(null)).toEqual(["null"]);
      expect(await search({ a: 1, b: 2 })).toEqual(["object"]);
      expect(await search([1, 2])).toEqual(["array"]);
      expect(await search(-0)).toEqual(["minus"]);
      expect(await search("\ud800")).toEqual(["half"]);
      expect(await search("\0")).toEqual(["zero"]);
      expect(await search({ $gt: "" })).toEqual(["operator"]);
      expect(await search({ $exists: true })).toEqual([]);
    });

    it.each([
      ["a path through an array", "items.0", { items: [7] }],
      ["a number that names a property", "items.0", { items: { 0: 7 } }],
      ["an object in an array, under a number", "items.0", { items: [{ 0: 1 }, 2], "items.0": 7 }],
      ["a full stop in a name", "a.b.c", { a: { "b.c": 7 } }],
      ["full stops only", "a.b.c", { "a.b.c": 7 }],
      ["an empty name", "a..b", { a: { "": { b: 7 } } }],
      ["a dollar", "$where.$gt", { $where: { $gt: 7 } }],
      ["what begins like the driver's own fields", "value.version", { value: { version: 7 } }],
      ["NUL and half of a surrogate pair", "\0.\ud800", { "\0": { "\ud800": 7 } }],
      [
        "a deep path",
        Array(60).fill("a").join("."),
        JSON.parse(`${'{"a":'.repeat(60)}7${"}".repeat(60)}`),
      ],
    ])("finds %s", async (name, path, value) => {
      const type = `search ${name}`;
      const driver = await connected({ db }, { [type]: { indices: [path] } });
      await driver.write(type, [entry("a", { json: JSON.stringify(value) })]);

      expect(await find(type, path, 7)).toContain("a");
    });

    it("goes by indexes that hold nothing of other documents", async () => {
      await connected({ db }, { indexed: { indices: ["user.id", "items.0", "user.id"] } });

      const indexes = await collection("indexed").indexes();

      const partial = indexes.filter(({ partialFilterExpression }) => partialFilterExpression);
      expect(partial.map(({ key }) => Object.keys(key)).sort()).toEqual([
        ["user.id", "_id"],
        ["user\xff0eid", "_id"],
        ["value.user.id", "_id"],
        ["value.user\\u002eid", "_id"],
      ]);
      for (const { key, partialFilterExpression } of partial) {
        expect(partialFilterExpression).toEqual({
          [String(Object.keys(key)[0])]: { $exists: true },
        });
      }
    });
  });

  describe("a document of version 1", () => {
    const schema = { classic: { pkey: "sid", indices: ["user.id"] } };

    async function classic(...documents: readonly Record<string, unknown>[]) {
      await collection("classic").deleteMany({});
      await collection("classic").insertMany(
        documents.map((each) => ({ ...each, _id: String(each._id ?? "a") })),
      );
      return connected({ db }, schema);
    }

    const read = async (driver: Awaited<ReturnType<typeof connected>>, id = "a") =>
      (await driver.read("classic", [{ id }]))[0] as StoredEntry | null;

    it.each([
      [
        "a session",
        { cookie: { expires: "2030-01-01" }, n: 1 },
        { cookie: { expires: "2030-01-01" }, n: 1, sid: "a" },
      ],
      [
        "names that are ours",
        { version: 1, value: 2, expiresAt: 3, createdAt: "x" },
        { version: 1, value: 2, expiresAt: 3, createdAt: "x", sid: "a" },
      ],
      ["an encoded name", { "a\xff0eb": { "\xff04c": 1 } }, { "a.b": { $c: 1 }, sid: "a" }],
      ["a number", { _s: true, _v: 7 }, 7],
      ["an array", { _s: true, _v: [1, -0] }, [1, -0]],
    ])("is read where it is: %s", async (_name, document, value) => {
      const driver = await classic(document);

      const found = await read(driver);

      expect(JSON.parse(found?.json ?? "")).toEqual(value);
      expect(found).toMatchObject({ id: "a", expiresAt: null });
      expect(found?.version).toMatch(/^foreign\./);
    });

    it("is scanned, counted, searched, touched and cleared like any other", async () => {
      const driver = await classic(
        { user: { id: 7 } },
        { _id: "b", "user\xff0eid": 7 },
        { _id: "c" },
      );

      const page = await driver.scan?.("classic", { limit: 10, cursor: null });
      expect(page?.entries.map(({ id }) => id)).toEqual(["a", "b", "c"]);
      expect(await count(driver, "classic")).toBe(3);
      expect(await find("classic", "user.id", 7)).toEqual(["a", "b"]);
      const touches = [{ id: "a", expiresAt: Date.now() + 1000 }];
      expect(await driver.touch("classic", touches)).toEqual([true]);
      expect(await collection("classic").findOne({ _id: "a" })).toEqual({
        _id: "a",
        user: { id: 7 },
      });
      await clear(driver, "classic");
      expect(await count(driver, "classic")).toBe(0);
    });

    it("is found by the property that holds the id", async () => {
      const driver = await classic({});
      const criteria = [{ path: "sid", json: '"a"' }];

      const page = await driver.search?.("classic", criteria, { limit: 10, cursor: null });

      expect(page?.entries.map(({ id }) => id)).toEqual(["a"]);
    });

    it("becomes one of this driver when it is written, by one writer", async () => {
      const driver = await classic({ old: 1 });
      const found = await read(driver);
      const writes = [1, 2, 3].map((n) =>
        entry("a", { if: String(found?.version), json: `{"n":${n}}`, extend: true }),
      );

      const results = await Promise.all(writes.map((write) => driver.write("classic", [write])));

      const winner = results.findIndex(([result]) => result === "done");
      expect(results.filter(([result]) => result === "done")).toHaveLength(1);
      expect(await read(driver)).toMatchObject({
        version: writes[winner]?.version,
        expiresAt: null,
      });
      expect(await collection("classic").findOne({ _id: "a" })).not.toHaveProperty("old");
    });

    it("is a conflict for who holds an older one, or wants to create", async () => {
      const driver = await classic({ n: 1 });
      const before = await read(driver);
      await collection("classic").updateOne({ _id: "a" }, { $set: { n: 2 } });
      const now = await read(driver);

      const [stale] = await driver.write("classic", [entry("a", { if: String(before?.version) })]);
      const [absent] = await driver.write("classic", [entry("a", { if: "absent" })]);
      const [deleted] = await driver.del("classic", [{ id: "a", if: String(before?.version) }]);

      expect(now?.version).not.toBe(before?.version);
      expect([stale, absent, deleted]).toEqual([{ conflict: now }, { conflict: now }, false]);
      expect(await driver.write("classic", [entry("a", { if: "present" })])).toEqual(["done"]);
      expect(await collection("classic").findOne({ _id: "a" })).not.toHaveProperty("n");
    });

    it("has no version of its own, though a property be called so", async () => {
      const driver = await classic({ version: "1", n: 1 });

      const found = await driver.read("classic", [{ id: "a", known: "1" }]);

      expect(found).toMatchObject([{ id: "a", json: expect.stringContaining('"n":1') }]);
    });

    it("is deleted by its version", async () => {
      const driver = await classic({ n: 1 });
      const found = await read(driver);

      expect(await driver.del("classic", [{ id: "a", if: String(found?.version) }])).toEqual([
        true,
      ]);
      expect(await read(driver)).toBe(null);
    });
  });

  describe("what is not of a databank", () => {
    const date = new Date();
    const foreign = [
      { _id: "a no version", createdAt: date, value: 1 },
      { _id: "b no value", version: "a.0", createdAt: date },
      { _id: "c odd deadline", version: "a.0", createdAt: date, expiresAt: "soon", value: 1 },
      { _id: "d of another store", expires: date, session: "{}" },
    ];

    it("is a miss, is reported, and stops no scan", async () => {
      const driver = await connected();
      const reports: CorruptReport[] = [];
      driver.onCorrupt = (report) => reports.push(report);
      await driver.write("foreign", [entry("0"), entry("z")]);
      await collection("foreign").insertMany(foreign);
      await db.collection<{ _id: number }>("foreign").insertOne({ _id: 7 });

      const found = await driver.read(
        "foreign",
        foreign.map(({ _id }) => ({ id: _id })),
      );
      const page = await driver.scan?.("foreign", { limit: 10, cursor: null });

      expect(found).toEqual(foreign.map(() => null));
      expect(reports.filter(({ type }) => type === "foreign")).toHaveLength(8);
      expect(page?.entries.map(({ id }) => id)).toEqual(["0", "z"]);
    });

    it("gives way to what is created", async () => {
      const driver = await connected();
      await collection("replaced").insertMany(foreign);
      const writes = foreign.map(({ _id }) => entry(_id, { if: "absent" }));

      expect(await driver.write("replaced", writes)).toEqual(foreign.map(() => "done"));

      const found = await driver.read("replaced", writes);
      expect(found.map((each) => each && "version" in each && each.version)).toEqual(
        writes.map(({ version }) => version),
      );
    });
  });
});
