import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type { CorruptReport, Driver, EntryPage, Write } from "../../src/databank/driver.js";
import { newLife } from "../../src/databank/version.js";
import { entryFileOf, folderOf } from "../../src/drivers/disk/names.js";
import { diskDriver } from "../../src/drivers/disk.js";
import { count } from "../../src/testing/driver/listing.js";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "disk-folder-"));
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true });
});

async function connected(options: { dir: string; durable?: boolean }): Promise<Driver> {
  const driver = diskDriver(options);
  await driver.connect({ session: { pkey: "sid" } });
  return driver;
}

function entry(id: string): Write {
  return { id, json: '{"a":1}', version: newLife(), createdAt: 1, expiresAt: null };
}

/** Everything in a folder, by its path, with the letters of its mode. */
function modesIn(folder: string): { path: string; isFolder: boolean; mode: string }[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => {
    const stat = statSync(join(folder, path));
    return { path, isFolder: stat.isDirectory(), mode: (stat.mode & 0o777).toString(8) };
  });
}

describe("the folder of a databank", () => {
  it("stays where it is when the program goes to another", async () => {
    const before = process.cwd();
    try {
      process.chdir(dir);
      const driver = await connected({ dir: "./sessions" });
      await driver.write("session", [entry("a")]);
      mkdirSync(join(dir, "elsewhere"));
      process.chdir(join(dir, "elsewhere"));

      expect(await driver.read("session", [{ id: "a" }])).toMatchObject([{ id: "a" }]);
      await driver.write("session", [entry("b")]);
    } finally {
      process.chdir(before);
    }
    expect(readdirSync(dir).sort()).toEqual(["elsewhere", "sessions"]);
    expect(readdirSync(join(dir, "elsewhere"))).toEqual([]);
  });
});

describe("the names of files and folders", () => {
  const TYPES = [
    "",
    ".",
    "..",
    "../../etc",
    "a/b",
    "a\\b",
    "a\0b",
    "session",
    "Session",
    "SESSION",
    "con",
    "CON",
    "nul",
    "com1",
    "a.",
    "a ",
    "a:b",
    "%0041",
    "A",
    "%%",
    ".lock",
    ".new",
    "é",
    "e\u0301",
    "ß",
    "ss",
    "\ud800",
    "\udc00",
    "\ufffd",
    "x".repeat(300),
    "x".repeat(301),
    "X".repeat(300),
  ];

  it("of types meet nowhere, not where upper and lower case are one, and lead nowhere else", () => {
    const names = TYPES.map((type) => folderOf(type).toLowerCase());

    expect(new Set(names).size).toBe(TYPES.length);
    for (const name of names) expect(name).toMatch(/^[a-z0-9_%-]{1,100}$/);
    for (const device of ["con", "nul", "com1"]) expect(names).not.toContain(device);
  });

  it("of types and ids are as many as there are types and ids, whatever they look like", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ unit: "binary", maxLength: 120 }), { minLength: 2 }),
        (texts) => {
          for (const nameOf of [folderOf, entryFileOf]) {
            const names = texts.map((text) => nameOf(text).toLowerCase());
            expect(new Set(names).size).toBe(texts.length);
            expect(names.join(" ")).toMatch(/^[a-z0-9_%./ -]+$/);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("a folder that did not exist", () => {
  it("is for its owner only, with everything in it", async () => {
    const driver = await connected({ dir: join(dir, "var", "sessions") });
    await driver.write("session", [entry("x")]);
    const found = modesIn(dir);
    await driver.disconnect();

    expect(found.filter(({ isFolder }) => !isFolder).length).toBe(2);
    for (const { path, isFolder, mode } of found) {
      expect(mode, path).toBe(isFolder ? "700" : "600");
    }
  });
});

describe("a write", () => {
  /** How often something was synced while a driver wrote an entry. */
  async function syncs(durable: boolean): Promise<number> {
    const file = await open(dir, "r");
    const prototype: unknown = Object.getPrototypeOf(file);
    await file.close();
    const sync = vi.spyOn(prototype as { sync(): Promise<void> }, "sync");
    const driver = await connected({ dir, durable });
    await driver.write("session", [entry("x")]);
    await driver.disconnect();
    return sync.mock.calls.length;
  }

  it("waits until its text, its name and the folders that it needed are on the disk", async () => {
    // The text; the shard, its type's folder and the databank's.
    expect(await syncs(true)).toBe(4);
  });

  it("waits for none of it with durable: false", async () => {
    expect(await syncs(false)).toBe(0);
  });
});

describe("many files", () => {
  /** Makes every look at the clock a new slice, and counts the turns that others get meanwhile. */
  async function turnsDuring(task: () => Promise<unknown>): Promise<number> {
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => {
      now += 10;
      return now;
    });
    let turns = 0;
    let isDone = false;
    const count = () => {
      turns += 1;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    await task();
    isDone = true;
    return turns;
  }

  it("are cleared a few at a time, so that requests are answered in between", async () => {
    const driver = await connected({ dir, durable: false });
    await driver.write(
      "session",
      Array.from({ length: 20 }, (_, i) => entry(`${i}`)),
    );
    const bank = new Databank(driver);
    const turns = await turnsDuring(() => bank.clear("session"));

    expect(turns).toBeGreaterThanOrEqual(20);
    expect(await count(driver, "session")).toBe(0);
    await driver.disconnect();
  });

  it("of version 1 are each read once by a scan, whatever the size of its pages", async () => {
    const driver = await connected({ dir });
    const reports: CorruptReport[] = [];
    driver.onCorrupt = (report) => reports.push(report);
    const ids = Array.from({ length: 40 }, (_, i) => `id ${i}`);
    for (const id of ids) {
      const name = createHash("md5").update(id).digest("base64url");
      const folders = [name.slice(0, 1), name.slice(0, 2), name.slice(0, 3)];
      const file = join(dir, "session", ...folders, `${name}.json`);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify({ sid: id === "id 7" ? "another" : id }));
    }
    for (const limit of [1, 7, 100]) {
      reports.length = 0;
      const found: string[] = [];
      let cursor: string | null = null;
      do {
        const page: EntryPage = (await driver.scan?.("session", { limit, cursor })) ?? {
          entries: [],
          cursor: null,
        };
        found.push(...page.entries.map(({ id }) => id));
        cursor = page.cursor;
      } while (cursor !== null);

      expect(found.toSorted()).toEqual(ids.filter((id) => id !== "id 7").toSorted());
      expect(reports).toHaveLength(1);
    }
    await driver.disconnect();
  });
});

describe("a folder that may not be written", () => {
  let mountPoint: string;
  const isRoot = process.getuid?.() === 0;
  let reason = "";
  beforeEach(() => {
    mountPoint = join(dir, "read-only");
    mkdirSync(mountPoint);
    // Nothing but a file system without writing keeps root from it.
    if (!isRoot) return chmodSync(mountPoint, 0o500);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "ro", "tmpfs", mountPoint], { stdio: "ignore" });
    } catch {
      reason = "no file system can be mounted";
    }
  });
  afterEach(() => {
    if (isRoot && !reason) execFileSync("umount", [mountPoint]);
  });

  it("is an error at connect that says which and what to do", async (context) => {
    if (reason) return context.skip(reason);

    await expect(connected({ dir: mountPoint })).rejects.toMatchObject({
      message: expect.stringMatching(/read-only.* choose another folder/),
    });
    return undefined;
  });
});
