import { mkdtempSync, readdirSync, rmSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Driver } from "../../src/databank/driver.js";
import { diskDriver } from "../../src/drivers/disk.js";
import { entry } from "../support/entry.js";

// No file system fails at a wish.
vi.mock("node:fs", async (load) => {
  const fs = await load<typeof import("node:fs")>();
  return { ...fs, unlinkSync: vi.fn(fs.unlinkSync) };
});

let dir: string;
let driver: Driver;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "disk-faults-"));
  driver = diskDriver({ dir });
  await driver.connect({ session: { pkey: "sid" } });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await driver.disconnect();
  rmSync(dir, { recursive: true });
});

const locks = () => readdirSync(join(dir, "session")).filter((name) => name.startsWith(".lock"));

/** Has the next removals fail as they do on a disk that has just become read-only. */
function failNextRemovals(times: number): void {
  for (let i = 0; i < times; i += 1) {
    vi.mocked(unlinkSync).mockImplementationOnce(() => {
      throw Object.assign(new Error("EROFS: read-only file system"), { code: "EROFS" });
    });
  }
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
