import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { linkSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import type { Driver } from "../../src/databank/driver.js";
import { diskDriver } from "../../src/drivers/disk.js";
import { cleanUp } from "../support/clean-up.js";
import { HOUR_MS } from "../support/entry.js";
import { messageOf } from "../support/message-of.js";
import { waitFor, waitUntil } from "../support/wait.js";

const SCRIPT = join(__dirname, "disk-process.mjs");
const NO_LIMITS = process.platform === "win32" && "this system sets no limits to a process";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "disk-unreadable-"));
});

afterEach(() => {
  vi.useRealTimers();
  rmSync(dir, { recursive: true });
});

/** A process that may open so many files. */
function run(task: string, ...args: readonly string[]): ChildProcess {
  const node = [process.execPath, SCRIPT, task, dir, ...args];
  const command = ["-c", 'ulimit -n 64 && exec "$@"', "sh", ...node];
  const child = spawn("sh", command, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

describe("an entry that cannot be read", () => {
  it("for want of open files is an error and no miss, and is there afterwards", async (context) => {
    if (NO_LIMITS) return context.skip(NO_LIMITS);

    expect(await messageOf(run("exhaust", "0"))).toEqual({
      outcomes: {
        read: "EMFILE",
        create: "EMFILE",
        del: "EMFILE",
        another: "EMFILE",
        count: "EMFILE",
        clear: "EMFILE",
      },
      afterwards: 1,
    });
    return undefined;
  });

  it("for want of a permission is an error and no miss", async (context) => {
    if (NO_LIMITS) return context.skip(NO_LIMITS);

    expect(await messageOf(run("forbid"))).toMatchObject({
      outcomes: { read: "EACCES", create: "EACCES", del: "EACCES" },
    });
    return undefined;
  });
});

describe("a write", () => {
  it("is not acknowledged when the folders that it made cannot be opened to be synced", async (context) => {
    if (NO_LIMITS) return context.skip(NO_LIMITS);

    // Enough for a text, and for one folder of three.
    expect(await messageOf(run("exhaust", "1"))).toMatchObject({
      outcomes: { another: "EMFILE" },
    });
    return undefined;
  });
});

describe("what a process leaves behind", () => {
  const newTexts = () => readdirSync(join(dir, "session", ".new"));
  const owners = () => readdirSync(join(dir, ".databank"));

  /** A driver, and a writer in another process whose text is written and whose turn has not come. */
  async function waitingWriter() {
    const driver = diskDriver({ dir });
    await driver.connect({});
    onTestFinished(() => driver.disconnect());
    const [owner = ""] = owners();
    const writer = run("write");
    await messageOf(writer);
    const lock = join(dir, "session", ".lock");
    await waitFor(() => linkSync(join(dir, ".databank", owner), lock), 1);
    const id = await waitFor(() => {
      const [name = ""] = newTexts();
      return String(JSON.parse(readFileSync(join(dir, "session", ".new", name), "utf8")).id);
    });
    return { driver, owner, writer, id, release: () => rmSync(lock) };
  }

  async function cleanUpLater(driver: Driver, laterMs: number): Promise<void> {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + laterMs });
    await cleanUp(driver);
    vi.useRealTimers();
  }

  async function kill(writer: ChildProcess): Promise<void> {
    writer.kill("SIGKILL");
    await once(writer, "exit");
  }

  it("is not what one that lives is about to put in its place", async () => {
    const { driver, writer, id, release } = await waitingWriter();

    await cleanUpLater(driver, HOUR_MS / 2);
    release();

    const found = () => Promise.resolve(driver.read("session", [{ id }]));
    await waitUntil(async () => (await found())[0] !== null);
    await kill(writer);
    expect(await found()).toMatchObject([{ id, json: id }]);
  });

  it("is removed when it is old: texts after hours, and who wrote them after days", async () => {
    const { driver, owner, writer, release } = await waitingWriter();
    await kill(writer);
    release();
    const left: number[][] = [];
    for (const laterMs of [0, 2 * HOUR_MS, 48 * HOUR_MS]) {
      await cleanUpLater(driver, laterMs);
      left.push([newTexts().length, owners().length]);
    }

    expect(left).toEqual([
      [1, 2],
      [0, 2],
      [0, 1],
    ]);
    expect(owners()).toEqual([owner]);
  });
});
