import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RootDatabase } from "lmdb";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CorruptReport, Driver, EntryPage, Schema, Write } from "../../src/databank/driver.js";
import { lmdbDriver } from "../../src/drivers/lmdb.js";
import { clear, count } from "../../src/testing/driver/listing.js";
import { expectTypedSearch } from "../support/typed-search.js";
import { openOwn, Raw } from "./lmdb-database.js";

const NOW = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const PAGE = { limit: 10, cursor: null };
const NAMES = ["databank", "databank-meta", "databank-due", "databank-index"];

const dir = mkdtempSync(join(tmpdir(), "lmdb-records-"));
afterAll(() => rmSync(dir, { recursive: true }));

let folders = 0;
let database: RootDatabase;

beforeEach(() => {
  folders += 1;
  database = openOwn(join(dir, `${folders}`));
  vi.spyOn(Date, "now").mockReturnValue(NOW);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await database.close();
});

async function connected(schema: Schema = {}): Promise<Driver> {
  const driver = lmdbDriver({ database });
  await driver.connect(schema);
  return driver;
}

function entry(id: string, more: Partial<Write> = {}): Write {
  return { id, json: "{}", version: "a.0", createdAt: NOW, expiresAt: NOW + HOUR_MS, ...more };
}

const raw = (name: string) => new Raw(database, name);
const content = () => NAMES.map((name) => raw(name).content());

describe("an entry", () => {
  it("is stored as its text, with what else is known of it beside", async () => {
    const driver = await connected({ session: { indices: ["user.id"] } });

    await driver.write("session", [entry("s1", { json: '{"user":{"id":7}}' })]);
    await driver.write("a|b", [entry("s\0|ü", { expiresAt: null })]);

    expect(content()).toEqual([
      { "session|s1": '{"user":{"id":7}}', "a|b|s\\u0000|ü": "{}" },
      {
        "session|s1": '["a.0",1800000000000,1800003600000,1800003600000]',
        "a|b|s\\u0000|ü": '["a.0",1800000000000,null,null]',
      },
      { "session|0001800003600000|s1": "" },
      { "session|user.id|7|s1": "", "|session": '{"user.id":true}' },
    ]);
  });

  it("may have an id, a type and indexed values of any length", async () => {
    const type = "t".repeat(5000);
    const path = "p".repeat(5000);
    const driver = await connected({ [type]: { indices: [path] } });
    const long = (last: string) => `${"\ud800\0ü\\".repeat(2000)}${last}`;
    const write = (last: string) =>
      entry(long(last), { json: JSON.stringify({ [path]: long(last) }) });

    await driver.write(type, [write("a"), write("b")]);

    const found = await driver.read(type, [{ id: long("a") }, { id: long("c") }]);
    const page = await driver.scan?.(type, PAGE);
    const criteria = [{ path, json: JSON.stringify(long("b")) }];
    const searched = await driver.search?.(type, criteria, PAGE);
    expect(found).toMatchObject([{ id: long("a") }, null]);
    expect(page?.entries.map(({ id }) => id).sort()).toEqual([long("a"), long("b")]);
    expect(searched?.entries.map(({ id }) => id)).toEqual([long("b")]);
    expect(await driver.read(`${type}t`, [{ id: long("a") }])).toEqual([null]);
    const hashed = Object.keys(raw("databank").content())[0]?.split("|")[1] ?? "";
    expect(await driver.read(type, [{ id: hashed }])).toEqual([null]);
  });

  it("keeps its value where it is, and its place in the order of time, when it is touched", async () => {
    const driver = await connected();
    await driver.write("session", [entry("a")]);
    await driver.touch("session", [{ id: "a", expiresAt: NOW + 2 * HOUR_MS }]);
    const touched = content();
    raw("databank").put("session|a", "[changed by hand]");

    await driver.touch("session", [{ id: "a", expiresAt: NOW + 3 * HOUR_MS }]);

    expect(raw("databank").get("session|a")).toBe("[changed by hand]");
    expect(touched[2]).toEqual({ "session|0001800003600000|a": "" });
    expect(await driver.read("session", [{ id: "a", known: "a.0" }])).toEqual([
      { id: "a", version: "a.0", createdAt: NOW, expiresAt: NOW + 3 * HOUR_MS },
    ]);
  });

  it("keeps its place in the order of time when it is written with a later deadline", async () => {
    const driver = await connected();
    await driver.write("session", [entry("a")]);

    await driver.write("session", [entry("a", { expiresAt: NOW + 2 * HOUR_MS })]);
    const later = raw("databank-due").content();
    await driver.write("session", [entry("a", { expiresAt: NOW + 1000 })]);
    const earlier = raw("databank-due").content();
    await driver.write("session", [entry("a", { expiresAt: null })]);

    expect(later).toEqual({ "session|0001800003600000|a": "" });
    expect(earlier).toEqual({ "session|0001800000001000|a": "" });
    expect(raw("databank-due").content()).toEqual({});
  });

  it("is not compressed where the rest is, so that every process can read it", async () => {
    const json = JSON.stringify("x".repeat(10_000));
    const compressing = openOwn(join(dir, "compressing"), { compression: true });
    const driver = lmdbDriver({ database: compressing });
    await driver.connect({});

    await driver.write("session", [entry("a", { json })]);

    expect(new Raw(compressing, "databank").content()).toEqual({ "session|a": json });
    await compressing.close();
  });

  it("leaves nothing behind when it is deleted, cleared or cleaned up", async () => {
    const driver = await connected({ session: { indices: ["tag"] } });
    const schema = raw("databank-index").content();
    const json = '{"tag":1}';
    const write = (...ids: string[]) =>
      driver.write(
        "session",
        ids.map((id) => entry(id, { json })),
      );

    await write("a");
    await driver.del("session", [{ id: "a" }]);
    const deleted = content();
    await write("a");
    await driver.write("session", [entry("a", { json: '{"tag":2}', expiresAt: NOW - 1 })]);
    const passed = content();
    await write("a", "b");
    await clear(driver, "session");
    const cleared = content();
    await write("a", "b");
    vi.mocked(Date.now).mockReturnValue(NOW + HOUR_MS + 60_000);
    await driver.deleteExpired?.("session", PAGE);

    const nothing = [{}, {}, {}, schema];
    expect(deleted).toEqual(nothing);
    expect(passed).toEqual(nothing);
    expect(cleared).toEqual(nothing);
    expect(content()).toEqual(nothing);
  });
});

describe("cleanup", () => {
  it("looks only at what is due, and puts off what lives on", async () => {
    const driver = await connected();
    await driver.write("session", [
      entry("expired"),
      entry("touched"),
      entry("kept for ever"),
      entry("later", { expiresAt: NOW + 9 * HOUR_MS }),
    ]);
    await driver.touch("session", [
      { id: "touched", expiresAt: NOW + 5 * HOUR_MS },
      { id: "kept for ever", expiresAt: null },
    ]);
    const reads = vi.spyOn(Object.getPrototypeOf(database), "get");
    vi.mocked(Date.now).mockReturnValue(NOW + HOUR_MS + 60_000);

    const result = await driver.deleteExpired?.("session", PAGE);

    expect(result).toEqual({ deleted: 1, cursor: null });
    expect(JSON.stringify(reads.mock.calls)).not.toContain("later");
    expect(raw("databank-due").content()).toEqual({
      "session|0001800018000000|touched": "",
      "session|0001800032400000|later": "",
    });
    expect(Object.keys(raw("databank").content())).toEqual([
      "session|kept for ever",
      "session|later",
      "session|touched",
    ]);
  });

  it("goes by steps", async () => {
    const driver = await connected();
    await driver.write(
      "session",
      Array.from({ length: 25 }, (_, i) => entry(`${i}`)),
    );
    vi.mocked(Date.now).mockReturnValue(NOW + HOUR_MS + 60_000);

    const deleted: unknown[] = [];
    for (let step = 0; step < 3; step += 1) {
      deleted.push(await driver.deleteExpired?.("session", PAGE));
    }

    expect(deleted).toEqual([
      { deleted: 10, cursor: "more" },
      { deleted: 10, cursor: "more" },
      { deleted: 5, cursor: null },
    ]);
  });
});

describe("many entries", () => {
  it("are counted and cleared, those of one type and no other", async () => {
    const driver = await connected();
    const many = Array.from({ length: 2500 }, (_, i) =>
      entry(`${i}`, { expiresAt: NOW + (i % 5 === 0 ? 1 : HOUR_MS) }),
    );
    for (const type of ["session", "session2", "sess"]) await driver.write(type, many);
    vi.mocked(Date.now).mockReturnValue(NOW + 2);

    expect(await count(driver, "session", 1000)).toBe(2000);
    expect(await clear(driver, "session", 1000)).toBe(2500);

    expect(await count(driver, "session")).toBe(0);
    expect(await count(driver, "session2")).toBe(2000);
    expect(await count(driver, "sess")).toBe(2000);
  });

  it("are cleared in as few steps as there are pages, however many are made meanwhile", async () => {
    const driver = await connected();
    const page = { limit: 5, cursor: null };
    await driver.write(
      "session",
      Array.from({ length: 7 }, (_, i) => entry(`${i}`)),
    );

    expect(await driver.clear?.("session", page)).toEqual({ deleted: 5, cursor: "more" });
    expect(await driver.clear?.("session", page)).toEqual({ deleted: 2, cursor: null });
  });
});

describe("a search", () => {
  async function search(driver: Driver, criteria: Record<string, unknown>, limit = 10) {
    const found: string[] = [];
    const wanted = Object.entries(criteria).map(([path, value]) => ({
      path,
      json: JSON.stringify(value),
    }));
    for (let cursor: string | null | undefined = null; cursor !== undefined; ) {
      const page: EntryPage | undefined = await driver.search?.("session", wanted, {
        limit,
        cursor,
      });
      found.push(...(page?.entries ?? []).map(({ id }) => id));
      cursor = page?.cursor ?? undefined;
    }
    return found;
  }

  it("tells types apart, and finds objects whatever the order of their keys", async () => {
    await expectTypedSearch(lmdbDriver({ database }));
  });

  it("goes by the index alone, in pages, and by all that there are", async () => {
    const driver = await connected({ session: { indices: ["a", "b"] } });
    await driver.write(
      "session",
      Array.from({ length: 30 }, (_, i) =>
        entry(`${i + 10}`, { json: JSON.stringify({ a: i % 2, b: i % 3 }) }),
      ),
    );
    raw("databank-index").remove("session|a|1|15");
    raw("databank-index").remove("session|b|2|21");

    expect(await search(driver, { a: 1, b: 2 }, 4)).toEqual(["27", "33", "39"]);
  });

  it("finds what was written before its index was declared", async () => {
    const before = await connected();
    await before.write(
      "session",
      Array.from({ length: 1200 }, (_, i) => entry(`${i}`, { json: `{"tag":${i % 600}}` })),
    );
    await before.disconnect();

    const after = await connected({ session: { indices: ["tag"] } });

    expect(await search(after, { tag: 7 })).toEqual(["607", "7"]);
    expect(raw("databank-index").content()["|session"]).toBe('{"tag":true}');
  });

  it("finds what a program wrote that declares no index, or another one", async () => {
    const declaring = await connected({ session: { indices: ["tag"] } });
    const [silent, other] = await Promise.all([
      connected(),
      connected({ session: { indices: ["other"] } }),
    ]);

    await silent.write("session", [entry("a", { json: '{"tag":1}' }), entry("b")]);
    await other.write("session", [entry("b", { json: '{"tag":1,"other":2}' })]);
    const written = await search(declaring, { tag: 1 });
    await silent.write("session", [entry("a", { json: '{"tag":2}' })]);

    expect(written).toEqual(["a", "b"]);
    expect(await search(declaring, { tag: 1 })).toEqual(["b"]);
    expect(await search(other, { other: 2, tag: 1 })).toEqual(["b"]);
  });
});

describe("what somebody has damaged", () => {
  async function damaged() {
    const driver = await connected({ session: { indices: ["tag"] } });
    const reports: CorruptReport[] = [];
    driver.onCorrupt = (report) => reports.push(report);
    await driver.write(
      "session",
      ["a", "b", "c", "d", "e"].map((id) => entry(id, { json: '{"tag":1}' })),
    );
    raw("databank-meta").put("session|a", "{secret");
    raw("databank-meta").put("session|b", '["a.0","soon",null,null]');
    raw("databank").remove("session|c");
    raw("databank").put("session|d", "{secret");
    raw("databank").put("session|foreign", "{}");
    return { driver, reports };
  }

  it("is missing, stops no scan and no search, and is told of without its text", async () => {
    const { driver, reports } = await damaged();

    const ids = ["a", "b", "c", "e", "foreign"].map((id) => ({ id }));
    const found = await driver.read("session", ids);
    const page = await driver.scan?.("session", PAGE);
    const searched = await driver.search?.("session", [{ path: "tag", json: "1" }], PAGE);

    expect(found).toMatchObject([null, null, null, { id: "e" }, null]);
    expect(page?.entries.map(({ id }) => id)).toEqual(["d", "e"]);
    expect(searched?.entries.map(({ id }) => id)).toEqual(["d", "e"]);
    expect(await count(driver, "session")).toBe(3);
    expect(reports.length).toBeGreaterThan(8);
    expect(new Set(reports.map(({ type }) => type))).toEqual(new Set(["session"]));
    expect(JSON.stringify(reports.map(({ cause }) => String(cause)))).not.toContain("secret");
  });

  it("is in nobody's way, and is cleared away", async () => {
    const { driver } = await damaged();

    const created = await driver.write(
      "session",
      ["a", "b", "c", "foreign"].map((id) => entry(id, { if: "absent", version: "b.0" })),
    );
    const deleted = await driver.del("session", [{ id: "d" }]);
    const index = raw("databank-index").content();
    await driver.write("session", [entry("d")]);
    await clear((await damaged()).driver, "session");

    expect(created).toEqual(["done", "done", "done", "done"]);
    expect(deleted).toEqual([true]);
    expect(Object.keys(index)).toContain("session|tag|1|e");
    const nothing = [{}, {}, {}, { "|session": '{"tag":true}' }];
    expect(content()).toEqual(nothing);
  });

  it("does not keep cleanup from the rest", async () => {
    const { driver } = await damaged();
    vi.mocked(Date.now).mockReturnValue(NOW + HOUR_MS + 60_000);

    const result = await driver.deleteExpired?.("session", PAGE);

    expect(result).toEqual({ deleted: 3, cursor: null });
    expect(raw("databank-due").content()).toEqual({});
  });

  it("is a note of what is indexed, which the next connection makes again", async () => {
    const { driver } = await damaged();
    raw("databank-index").put("|session", "{damaged");

    const written = await driver.write("session", [entry("x", { json: '{"tag":1}' })]);
    const next = await connected({ session: { indices: ["tag"] } });
    const searched = await next.search?.("session", [{ path: "tag", json: "1" }], PAGE);

    expect(written).toEqual(["done"]);
    expect(searched?.entries.map(({ id }) => id)).toEqual(["d", "e", "x"]);
  });
});
