import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Driver } from "../../src/databank/driver.js";
import { classicFileOf } from "../../src/drivers/disk/classic.js";
import { FolderLocks } from "../../src/drivers/disk/lock.js";
import { entryFileOf } from "../../src/drivers/disk/names.js";
import { diskDriver } from "../../src/drivers/disk.js";
import { cleanUp } from "../support/clean-up.js";
import { entry, HOUR_MS } from "../support/entry.js";

// No file system fails at a wish.
vi.mock("node:fs", async (load) => {
  const fs = await load<typeof import("node:fs")>();
  return { ...fs, unlinkSync: vi.fn(fs.unlinkSync) };
});

vi.mock("node:fs/promises", async (load) => {
  const fs = await load<typeof import("node:fs/promises")>();
  return { ...fs, open: vi.fn(fs.open) };
});

let dir: string;
let driver: Driver;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "disk-faults-"));
  driver = diskDriver({ dir });
  await driver.connect({ session: { pkey: "sid" } });
});

afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.mocked(unlinkSync).mockReset();
  vi.mocked(open).mockReset();
  await driver.disconnect();
  rmSync(dir, { recursive: true });
});

const locks = () => readdirSync(join(dir, "session")).filter((name) => name.startsWith(".lock"));

const readOne = async (id: string) => (await driver.read("session", [{ id }]))[0];

/** Leaves a file of version 1 where it was, as a crash does right after a write. */
function writeClassic(id: string): string {
  const file = join(dir, "session", classicFileOf(id));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ sid: id, is: "old" }));
  return file;
}

/** Has the next removals fail as they do on a disk that has just become read-only. */
function failNextRemovals(times: number): void {
  for (let i = 0; i < times; i += 1) {
    vi.mocked(unlinkSync).mockImplementationOnce(() => {
      throw readOnly();
    });
  }
}

/** Has a process come no further than the first file of an entry that it removes. */
function failSecondRemoval(): void {
  const remove = vi.mocked(unlinkSync).getMockImplementation();
  let removed = 0;
  vi.mocked(unlinkSync).mockImplementation((path) => {
    if (String(path).endsWith(".json")) removed += 1;
    if (removed === 2) throw readOnly();
    remove?.(path);
  });
}

function readOnly(): Error {
  return Object.assign(new Error("EROFS: read-only file system"), { code: "EROFS" });
}

describe("a lock that could not be removed", () => {
  beforeEach(async () => {
    await driver.write("session", [entry("before")]);
    vi.mocked(unlinkSync).mockClear();
  });

  it("spoils no change that was made under it", async () => {
    failNextRemovals(1);

    expect(await driver.touch("session", [{ id: "before", expiresAt: null }])).toEqual([true]);
    expect(locks()).toEqual([".lock"]);
  });

  it("is broken by the next change of the same process, with its guard", async () => {
    failNextRemovals(1);
    await driver.touch("session", [{ id: "before", expiresAt: null }]);

    expect(await driver.write("session", [entry("after")])).toEqual(["done"]);
    expect(locks()).toEqual([]);
  });

  it("fails a change for as long as it cannot be removed, and none after that", async () => {
    // The release of the lock; the breaking of it, and the release of its guard.
    failNextRemovals(3);
    await driver.touch("session", [{ id: "before", expiresAt: null }]);

    await expect(driver.del("session", [{ id: "before" }])).rejects.toThrow(/read-only/);
    expect(await driver.del("session", [{ id: "before" }])).toEqual([true]);
    expect(locks()).toEqual([]);
  });
});

describe("a file of version 1 that a crash has left beside a new one", () => {
  const ended = () => entry("x", { expiresAt: Date.now() - 1 });

  it.each([
    ["a deletion", async () => (await driver.del("session", [{ id: "x" }]))[0]],
    ["a write that ends the entry", async () => (await driver.write("session", [ended()]))[0]],
  ])("is not read again after %s that a failure has cut short", async (_what, change) => {
    await driver.write("session", [entry("x", { json: '"new"' })]);
    writeClassic("x");
    failSecondRemoval();

    expect(await change()).toBeInstanceOf(Error);
    expect(await readOne("x")).toMatchObject({ json: '"new"' });
  });

  it("is removed by the cleanup that removes the new one", async () => {
    await driver.write("session", [entry("x")]);
    const file = writeClassic("x");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * HOUR_MS });

    expect(await cleanUp(driver)).toBe(1);
    expect(await readOne("x")).toBeNull();
    expect(existsSync(file)).toBe(false);
  });

  it("is not removed for a copy of an expired entry under another name", async () => {
    await driver.write("session", [entry("x")]);
    const copy = join(dir, "session", entryFileOf("y"));
    mkdirSync(dirname(copy), { recursive: true });
    renameSync(join(dir, "session", entryFileOf("x")), copy);
    writeClassic("x");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * HOUR_MS });

    expect(await cleanUp(driver)).toBe(1);
    expect(await readOne("x")).toMatchObject({ json: '{"sid":"x","is":"old"}' });
  });
});

describe("what a change waits for on the disk", () => {
  const folderOfEntry = () => join(dir, "session", dirname(entryFileOf("x")));

  /** The folders that were opened during a change, which is done to sync them. */
  async function syncedBy(change: () => unknown): Promise<string[]> {
    vi.mocked(open).mockClear();
    await change();
    const folders = vi.mocked(open).mock.calls.filter(([, flags]) => flags === "r");
    return folders.map(([path]) => String(path));
  }

  it.each([
    ["a deletion", () => driver.del("session", [{ id: "x" }])],
    ["a write", () => driver.write("session", [entry("x")])],
  ])("is the removal of a file of version 1 by %s, too", async (_what, change) => {
    await driver.write("session", [entry("x")]);
    const file = writeClassic("x");

    expect(await syncedBy(change)).toEqual([folderOfEntry(), dirname(file)]);
  });

  it("is no folder of version 1 where no file of it was removed", async () => {
    await driver.write("session", [entry("x")]);
    writeClassic("x");
    await driver.write("session", [entry("x")]);

    expect(await syncedBy(() => driver.write("session", [entry("x")]))).toEqual([folderOfEntry()]);
    expect(await syncedBy(() => driver.del("session", [{ id: "x" }]))).toEqual([folderOfEntry()]);
  });

  it("is an error where it fails, and is waited for by the next change of the same entry", async () => {
    await driver.write("session", [entry("x")]);
    const file = writeClassic("x");
    const real = vi.mocked(open).getMockImplementation();
    vi.mocked(open).mockImplementation(async (path, ...more) => {
      if (path === dirname(file)) throw Object.assign(new Error("EMFILE"), { code: "EMFILE" });
      return (real ?? open)(path, ...more);
    });
    const pair = [{ id: "x" }, { id: "absent" }];
    expect(await driver.del("session", pair)).toEqual([expect.any(Error), false]);
    vi.mocked(open).mockReset();

    const again = () => driver.write("session", [entry("x")]);
    expect(await syncedBy(again)).toEqual([folderOfEntry(), dirname(file)]);
  });
});

describe("a write whose turn does not come", () => {
  const newTexts = () => readdirSync(join(dir, "session", ".new"));

  beforeEach(async () => {
    await driver.write("session", [entry("x")]);
    const locks = new FolderLocks(dir);
    const [own] = readdirSync(join(dir, ".databank"));
    locks.open();
    const other = readdirSync(join(dir, ".databank")).find((name) => name !== own) ?? "";
    linkSync(join(dir, ".databank", other), join(dir, "session", ".lock"));
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => {
      now += 11_000;
      return now;
    });
  });

  const late = () => driver.write("session", [entry("y"), entry("z")]);

  it("leaves no text behind", async () => {
    await expect(late()).rejects.toThrow(/held the lock/);

    expect(newTexts()).toEqual([]);
  });

  it("says so even if its text cannot be removed", async () => {
    failNextRemovals(1);

    await expect(late()).rejects.toThrow(/held the lock/);
    expect(newTexts()).toHaveLength(1);
  });
});
