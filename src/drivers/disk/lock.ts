import { randomUUID } from "node:crypto";
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { DatabankError } from "../../databank/errors.js";
import { codeOf, isMissing } from "./disk-error.js";
import { parse } from "./entry-text.js";

const MAX_WAIT_MS = 30_000;
// Nobody can see whether a process in another container lives; nobody holds a lock for so long.
const LEASE_MS = 30_000;

interface Owner {
  readonly uuid: string;
  readonly pid: number;
  /** When the process began: process ids are used again. */
  readonly start: string;
  /** The computer, since when it runs, and the container. Elsewhere a process id says nothing. */
  readonly place: string;
}

/**
 * Locks of a folder, between the processes that use it, and none that a dead process can keep.
 *
 * A lock is a hard link to a file that says who owns it: making it fails where there is one. A lock
 * that is left over, because its owner is dead or could not remove it, is removed by the one who
 * holds its guard, a lock named after that owner. A dead owner never locks again, and a living one
 * not before its own leftover is gone, so no lock that somebody works under is ever removed.
 */
export class FolderLocks {
  readonly #ownerFile: string;
  readonly #owner: Owner;

  /** @param dir - The folder of the databank, on a file system with hard links. */
  constructor(dir: string) {
    const uuid = randomUUID();
    this.#owner = { uuid, pid: process.pid, start: startOf(process.pid) ?? "", place: place() };
    this.#ownerFile = join(dir, ".databank", `${uuid}.owner`);
  }

  /** Makes the file that locks are links to. */
  open(): void {
    mkdirSync(dirname(this.#ownerFile), { recursive: true, mode: 0o700 });
    writeFileSync(this.#ownerFile, JSON.stringify(this.#owner), { mode: 0o600 });
  }

  close(): void {
    unlinkIfThere(this.#ownerFile);
  }

  /**
   * Removes the files of owners that have not locked anything since a moment. One that lives all the
   * same makes its file again.
   */
  deleteLeftovers(before: number): void {
    const folder = dirname(this.#ownerFile);
    for (const name of namesIn(folder)) {
      const path = join(folder, name);
      const stat = statSync(path, { throwIfNoEntry: false });
      if (path !== this.#ownerFile && stat && stat.ctimeMs < before) unlinkIfThere(path);
    }
  }

  /**
   * Runs a task while no other process runs one under the same lock. Tasks of this object under one
   * lock come one after another: the caller sees to that.
   */
  async run<T>(path: string, task: () => T): Promise<T> {
    await this.#take(path);
    try {
      return task();
    } finally {
      release(path);
    }
  }

  async #take(path: string): Promise<void> {
    const deadline = performance.now() + MAX_WAIT_MS;
    for (let attempt = 0; !this.#link(path); attempt += 1) {
      if (attempt % 16 === 15) this.#breakLeftover(path);
      if (performance.now() > deadline) {
        throw new DatabankError(
          "Another process has held the lock of the folder for 30 seconds: it may hang",
        );
      }
      await delay(0.5 + Math.random() * 3);
    }
  }

  #link(path: string): boolean {
    try {
      linkSync(this.#ownerFile, path);
      return true;
    } catch (error) {
      if (codeOf(error) === "EEXIST") return false;
      if (codeOf(error) !== "ENOENT") throw error;
      // Somebody has emptied the folder.
      this.open();
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      return false;
    }
  }

  #breakLeftover(path: string): void {
    const owner = this.#leaverOf(path);
    if (!owner) return;
    const guard = `${path}-${owner.uuid}`;
    if (!this.#link(guard)) {
      this.#breakLeftover(guard);
      return;
    }
    try {
      // Looked at again: its owner may have broken it meanwhile, and locked anew.
      if (this.#leaverOf(path)?.uuid === owner.uuid) unlinkIfThere(path);
    } finally {
      release(guard);
    }
  }

  /** The owner of a lock that nobody works under; `null` where there is none. */
  #leaverOf(path: string): Owner | null {
    const owner = ownerOf(path);
    // Whoever waits for a lock does not hold it, so one of its own is one that it could not remove.
    return owner && (owner.uuid === this.#owner.uuid || isDead(owner, path)) ? owner : null;
  }
}

// What was done under the lock is done, whatever comes of this. A lock that stays is broken when
// this process waits for it.
function release(path: string): void {
  try {
    unlinkIfThere(path);
  } catch {}
}

function ownerOf(path: string): Owner | null {
  try {
    const owner = parse(readFileSync(path, "utf8")) as Owner | null | undefined;
    // What a power failure has left of the file: it is somebody's, who is not here any more.
    return owner?.uuid ? owner : { uuid: `${statSync(path).ino}`, pid: 0, start: "", place: "" };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

function isDead(owner: Owner, path: string): boolean {
  if (owner.place !== place()) return isOld(path);
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (codeOf(error) === "ESRCH") return true;
    // A process of another user has this id: it may have got it since.
  }
  const start = startOf(owner.pid);
  return start !== undefined && owner.start !== "" && start !== owner.start;
}

// Each link changes the time of the owner's file, so this is when the lock was taken, or later.
function isOld(path: string): boolean {
  const { ctimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { ctimeMs: Date.now() };
  return Date.now() - ctimeMs > LEASE_MS;
}

/** When a process began, in ticks since the computer did; `undefined` where nobody tells. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name of the program comes second, in brackets, and may contain anything.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

let cachedPlace: string | undefined;

function place(): string {
  cachedPlace ??= [
    hostname(),
    attempt(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()),
    attempt(() => readlinkSync("/proc/self/ns/pid")),
  ].join(" ");
  return cachedPlace;
}

function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}

/** The names in a folder, in their order; none where there is no such folder. */
export function namesIn(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Removes a file, and says whether it was there. */
export function unlinkIfThere(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
