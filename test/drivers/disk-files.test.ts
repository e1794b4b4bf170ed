import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import type { CorruptReport, Driver, Write } from "../../src/databank/driver.js";
import { newLife, nextVersion } from "../../src/databank/version.js";
import { FolderLocks } from "../../src/drivers/disk/lock.js";
import { diskDriver } from "../../src/drivers/disk.js";
import { clear, count, scannedIds } from "../../src/testing/driver/listing.js";
import { cleanUp } from "../support/clean-up.js";

const HOUR_MS = 3_600_000;

let dir: string;
let driver: Driver;
let reports: CorruptReport[];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "disk-files-"));
  driver = diskDriver({ dir });
  reports = [];
  driver.onCorrupt = (report) => reports.push(report);
  await driver.connect({ session: { pkey: "sid" } });
});

afterEach(async () => {
  await driver.disconnect();
  rmSync(dir, { recursive: true });
});

function entry(id: string, more: Partial<Write> = {}): Write {
  const expiresAt = Date.now() + HOUR_MS;
  return { id, json: '{"a":1}', version: newLife(), createdAt: 1, expiresAt, ...more };
}

/** All files of entries, by their paths. */
function files(folder = join(dir, "session")): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".json"))
    .map((name) => join(folder, name));
}

async function onlyFile(): Promise<string> {
  await driver.write("session", [entry("x")]);
  return files()[0] ?? "";
}

const readOne = async (id: string) => (await driver.read("session", [{ id }]))[0];

describe("an entry's file", () => {
  it("is readable JSON that only its owner may read", async () => {
    const file = await onlyFile();

    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ id: "x", value: { a: 1 } });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
  });

  it("may be rearranged by a person, and is nobody else's under another name", async () => {
    const file = await onlyFile();
    const { mtimeMs } = statSync(file);
    const text = readFileSync(file, "utf8");
    writeFileSync(file, JSON.stringify(JSON.parse(text), null, 2));
    utimesSync(file, mtimeMs / 1000, mtimeMs / 1000);
    expect(await readOne("x")).toMatchObject({ id: "x", json: '{"a":1}' });
    writeFileSync(file, text.replace('"x"', '"y"'));

    expect(await readOne("x")).toBeNull();
  });

  it("keeps its text when it is touched", async () => {
    const file = await onlyFile();
    const before = { text: readFileSync(file, "utf8"), ino: statSync(file).ino };
    const expiresAt = Date.now() + 2 * HOUR_MS;
    await driver.touch("session", [{ id: "x", expiresAt }]);

    expect({ text: readFileSync(file, "utf8"), ino: statSync(file).ino }).toEqual(before);
    expect(await readOne("x")).toMatchObject({ expiresAt });
  });

  it("is not shortened by a touch when its deadline is too late for the file's time", async () => {
    const [year2200 = 0, year3000 = 0] = [2200, 3000].map((year) => Date.UTC(year));
    await driver.write("session", [entry("x", { expiresAt: year2200 })]);
    for (const expiresAt of [year3000, year2200]) {
      expect(await driver.touch("session", [{ id: "x", expiresAt }])).toEqual([true]);
    }

    expect(await readOne("x")).toMatchObject({ expiresAt: year3000 });
  });

  it("lives as long as it was written for when a copy has lost its time", async () => {
    const file = await onlyFile();
    const written = await readOne("x");
    utimesSync(file, 1, 1);

    expect(await readOne("x")).toEqual(written);
    expect(await cleanUp(driver)).toBe(0);
  });

  it("is not opened by a cleanup before its time", async () => {
    const file = await onlyFile();
    const { mtimeMs } = statSync(file);
    writeFileSync(file, "torn");
    utimesSync(file, mtimeMs / 1000, mtimeMs / 1000);
    await cleanUp(driver);

    expect(reports).toEqual([]);
    expect(files()).toEqual([file]);
  });

  it.each([
    ["torn", '{"id":"x","ty'],
    ["empty", ""],
    ["foreign", '{"hello":"world"}'],
    [
      "of another type",
      '{"id":"x","type":"other","version":"a.0","createdAt":1,"expiresAt":null,"value":1}\n',
    ],
  ])("that is %s is a miss and a report, and stops no scan", async (_what, text) => {
    const file = await onlyFile();
    await driver.write("session", [entry("good")]);
    writeFileSync(file, text);

    expect(await readOne("x")).toBeNull();
    expect(await scannedIds(driver, "session")).toEqual(["good"]);
    expect(await count(driver, "session")).toBe(1);
    expect(reports.length).toBeGreaterThanOrEqual(2);
    expect(JSON.stringify(reports)).not.toContain('"x"');
    expect(await driver.write("session", [entry("x", { if: "absent" })])).toEqual(["done"]);
    expect(await readOne("x")).toMatchObject({ id: "x" });
  });
});

describe("an entry's file that cannot be opened", () => {
  it("is an error and no miss, and spoils no other entry", async () => {
    const file = await onlyFile();
    await driver.write("session", [entry("good")]);
    rmSync(file);
    // It leads to itself.
    symlinkSync(file, file);
    const failed = { message: expect.stringContaining("ELOOP") };

    const pair = [{ id: "x" }, { id: "good" }];
    expect(await driver.read("session", pair)).toMatchObject([failed, { id: "good" }]);
    const again = ["x", "good"].map((id) => entry(id, { if: "absent" }));
    expect(await driver.write("session", again)).toMatchObject([failed, { conflict: {} }]);
    expect(readdirSync(join(dir, "session", ".new"))).toEqual([]);
    expect(await driver.del("session", pair)).toMatchObject([failed, true]);
    expect(await driver.touch("session", [{ id: "x", expiresAt: null }])).toMatchObject([failed]);
    expect(await scannedIds(driver, "session")).toEqual([]);
    expect(reports).toHaveLength(1);
  });
});

describe("a file of version 1", () => {
  function classicFile(id: string): string {
    const name = createHash("md5").update(id).digest("base64url");
    return join(
      dir,
      "session",
      name.slice(0, 1),
      name.slice(0, 2),
      name.slice(0, 3),
      `${name}.json`,
    );
  }

  function writeClassic(id: string, value: object): string {
    const file = classicFile(id);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(value));
    return file;
  }

  it("lies where version 1 put it", () => {
    // An id and its path, as the first generation's driver wrote them.
    expect(classicFile("BRh1Az3")).toMatch(/_\/_j\/_j5\/_j57cWeMbAyne7drgld8oQ\.json$/);
  });

  it("is read, and becomes one of ours when it is written", async () => {
    const file = writeClassic("old", { sid: "old", n: 1 });
    const found = await readOne("old");
    expect(found).toMatchObject({ json: '{"sid":"old","n":1}', expiresAt: null });
    if (!found || found instanceof Error) throw new Error("It was not found");
    const write = entry("old", { version: nextVersion(found.version), if: found.version });

    expect(await driver.write("session", [write])).toEqual(["done"]);
    expect(files()).toHaveLength(1);
    expect(files()).not.toContain(file);
    expect(await readOne("old")).toMatchObject({ version: write.version });
  });

  it("is listed if its value tells its id, counted, deleted and cleared", async () => {
    writeClassic("one", { sid: "one" });
    writeClassic("two", { sid: "two" });
    writeClassic("three", { sid: "somebody else's" });
    await driver.write("session", [entry("ours")]);
    const ids: string[] = [];
    let cursor: string | null = null;
    do {
      const page: { entries: readonly { id: string }[]; cursor: string | null } =
        (await driver.scan?.("session", { limit: 1, cursor })) ?? { entries: [], cursor: null };
      ids.push(...page.entries.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== null);

    expect(ids.sort()).toEqual(["one", "ours", "two"]);
    expect(await count(driver, "session")).toBe(3);
    expect(await driver.del("session", [{ id: "one" }])).toEqual([true]);
    expect(await readOne("one")).toBeNull();
    await clear(driver, "session");
    expect(files()).toEqual([]);
  });

  it("is counted and cleared when it is written between the steps", async () => {
    const ids = Array.from({ length: 20 }, (_, i) => `id ${i}`);
    for (const id of ids) writeClassic(id, { sid: id });
    const rewrite = () =>
      driver.write(
        "session",
        ids.map((id) => entry(id, { if: "present" })),
      );

    expect(await count(driver, "session", 5, async () => rewrite())).toBeGreaterThanOrEqual(20);
    for (const id of ids) writeClassic(id, { sid: id });
    await clear(driver, "session", 5, async () => rewrite());

    expect(files()).toEqual([]);
  });
});

describe("a lock", () => {
  const lockFile = () => join(dir, "session", ".lock");

  it("whose owner is dead does not stop anyone", async () => {
    await driver.write("session", [entry("x")]);
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    const owner = readdirSync(join(dir, ".databank"))[0] ?? "";
    const { place } = JSON.parse(readFileSync(join(dir, ".databank", owner), "utf8"));
    const dead = join(dir, ".databank", "dead.owner");
    writeFileSync(dead, JSON.stringify({ uuid: "dead", pid, start: "1", place }));
    linkSync(dead, lockFile());
    // Its guard was held by a process that died, too.
    const guard = join(dir, ".databank", "guard.owner");
    writeFileSync(guard, JSON.stringify({ uuid: "guard", pid, start: "2", place }));
    linkSync(guard, `${lockFile()}-dead`);

    expect(await driver.write("session", [entry("y")])).toEqual(["done"]);
    expect(readdirSync(join(dir, "session")).filter((name) => name.startsWith(".lock"))).toEqual(
      [],
    );
  });

  /** Locks the folder as a process does that is like this one but for something. */
  async function lockAs(more: object): Promise<void> {
    await driver.write("session", [entry("x")]);
    const [name = ""] = readdirSync(join(dir, ".databank"));
    const own = JSON.parse(readFileSync(join(dir, ".databank", name), "utf8"));
    const other = join(dir, ".databank", "other.owner");
    writeFileSync(other, JSON.stringify({ ...own, uuid: "other", ...more }));
    linkSync(other, lockFile());
  }

  it.for([
    ["process", undefined],
    ["user's process", "EPERM"],
  ] as const)(
    "is broken when another %s has the id of its owner by now",
    async ([_whose, code], context) => {
      if (!existsSync("/proc/self/stat")) {
        return context.skip("this system does not tell in /proc when a process began");
      }
      await lockAs({ start: "1" });
      const kill = vi.spyOn(process, "kill").mockImplementation(() => {
        if (code) throw Object.assign(new Error(code), { code });
        return true;
      });
      onTestFinished(() => kill.mockRestore());

      expect(await driver.write("session", [entry("y")])).toEqual(["done"]);
      return undefined;
    },
  );

  it("is broken when its owner was on another machine, and is not heard of for 30 s", async () => {
    await lockAs({ place: "elsewhere" });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 31_000 });
    onTestFinished(() => void vi.useRealTimers());

    expect(await driver.write("session", [entry("y")])).toEqual(["done"]);
  });

  it("can be taken after somebody has emptied the folder", async () => {
    await driver.write("session", [entry("x")]);
    for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true });

    expect(await driver.del("session", [{ id: "x" }])).toEqual([false]);
    expect(await driver.write("session", [entry("y")])).toEqual(["done"]);
    expect(await readOne("y")).toMatchObject({ id: "y" });
  });

  it("whose owner lives is waited for", async () => {
    await driver.write("session", [entry("x")]);
    const [own] = readdirSync(join(dir, ".databank"));
    const locks = new FolderLocks(dir);
    locks.open();
    const order: string[] = [];
    const owner = readdirSync(join(dir, ".databank")).find((name) => name !== own) ?? "";
    linkSync(join(dir, ".databank", owner), lockFile());
    const written = Promise.resolve(driver.write("session", [entry("y")])).then(() =>
      order.push("written"),
    );
    await new Promise((done) => setTimeout(done, 150));
    order.push("released");
    rmSync(lockFile());
    await written;
    locks.close();

    expect(order).toEqual(["released", "written"]);
  });
});

describe("a folder that cannot be used", () => {
  it("is a clear error at connect", async () => {
    writeFileSync(join(dir, "file"), "");
    const inFile = diskDriver({ dir: join(dir, "file", "sessions") });

    await expect(inFile.connect({})).rejects.toMatchObject({
      message: expect.stringMatching(/file.sessions.*choose another folder/),
    });
    await expect(inFile.disconnect()).resolves.toBeUndefined();
  });

  it("is a wrong option where it has no name", () => {
    expect(() => diskDriver({ dir: "" })).toThrow(/dir must be a text/);
    const misspelt: unknown = { dir: "x", durabel: true };
    expect(() => diskDriver(misspelt as { dir: string })).toThrow(/did you mean durable/);
  });
});

describe("a full disk", () => {
  let mountPoint: string;
  let reason = "";
  beforeEach(() => {
    mountPoint = mkdtempSync(join(tmpdir(), "full-disk-"));
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", mountPoint], {
        stdio: "ignore",
      });
    } catch {
      reason = "no small file system can be mounted without being root";
    }
  });
  afterEach(() => {
    if (!reason) execFileSync("umount", [mountPoint]);
    rmSync(mountPoint, { recursive: true });
  });

  it("is an error that says so, and leaves the old value", async (context) => {
    if (reason) return context.skip(reason);
    const small = diskDriver({ dir: mountPoint });
    await small.connect({});
    await small.write("session", [entry("x")]);
    const large = entry("x", { json: JSON.stringify("x".repeat(300_000)) });
    const [result] = await small.write("session", [large]);

    expect(result).toMatchObject({ message: expect.stringMatching(/the disk is full/) });
    expect((await small.read("session", [{ id: "x" }]))[0]).toMatchObject({ json: '{"a":1}' });
    await small.disconnect();
    return undefined;
  });
});
