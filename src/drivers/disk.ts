import { accessSync, constants, mkdirSync } from "node:fs";
import { resolve } from "node:path";
import type {
  Capabilities,
  Driver,
  EntryPage,
  Page,
  Schema,
  StoredEntry,
} from "../databank/driver.js";
import { DELETION_GRACE_MS } from "../databank/entry.js";
import { KeyedQueue } from "../databank/keyed-queue.js";
import { checkNames, flag, text } from "../databank/options.js";
import { classicFiles, classicIdIn } from "./disk/classic.js";
import { diskError } from "./disk/disk-error.js";
import { FolderLocks } from "./disk/lock.js";
import { visitSome } from "./disk/slice.js";
import { TypeFolder } from "./disk/type-folder.js";

/** Where a disk databank is, and how careful it is. */
export interface DiskOptions {
  /** The folder; it is made if it is not there. A local one: locks need hard links. */
  readonly dir: string;
  /**
   * Whether to wait until a write is on the disk, so that it survives a power failure. Without,
   * it survives the end of the process all the same.
   * @default true
   */
  readonly durable?: boolean;
}

const CAPABILITIES: Capabilities = {
  conditionalWrites: "atomic",
  clock: "process",
  expiryGranularityMs: 1,
  nativeExpiry: false,
  touch: "in-place",
  scan: true,
  search: false,
  durable: true,
  shared: true,
  maxValueBytes: null,
};

/** A text that is so old is nobody's: its writer would have put it in its place long ago. */
const LEFTOVER_MS = 3_600_000;
const DAY_MS = 86_400_000;
const CLASSIC = "classic ";

/**
 * Stores each entry in a file of its own, readable JSON, safe for several processes on one
 * machine.
 *
 * Small files are read and renamed synchronously: with the file in memory that takes some
 * microseconds, and a way through the thread pool several times as long. What waits for the disk,
 * writing and syncing, is asynchronous, and done before the lock is taken.
 */
export function diskDriver(options: DiskOptions): Driver {
  checkNames("The disk driver", options, [
    "dir",
    "durable",
    "schema",
    "hashDepth",
    "mode",
    "mktmp",
  ]);
  // A program may change its own folder later, and its sessions shall stay where they are.
  const named = text("dir", options.dir);
  const dir = resolve(named);
  const isDurable = flag("durable", options.durable ?? true);
  const folders = new Map<string, TypeFolder>();
  const turns = new KeyedQueue();
  const locks = new FolderLocks(dir);
  let schema: Schema = {};

  const driver: Driver = {
    name: "disk",
    capabilities: CAPABILITIES,
    calling: { maxBatch: 128 },

    async connect(declared) {
      schema = declared;
      await guarded(async () => {
        mkdirSync(dir, { recursive: true, mode: 0o700 });
        accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
        locks.open();
      });
    },

    async disconnect() {
      locks.close();
    },

    async read(type, reads) {
      const folder = folderOf(type);
      return reads.map(({ id }) => orError(() => folder.find(id)));
    },

    async write(type, writes) {
      const folder = folderOf(type);
      return guarded(async () => {
        const prepared = await Promise.all(
          writes.map((write) => folder.prepare(write).catch((error) => diskError(named, error))),
        );
        const commit = () =>
          prepared.map((each) => {
            return each instanceof Error ? each : orError(() => folder.commit(each));
          });
        const results = await locked(folder, commit).catch((error: unknown) => {
          for (const each of prepared) if (!(each instanceof Error)) folder.discard(each);
          throw error;
        });
        return synced(folder, writes, results, (result) => result === "done");
      });
    },

    async touch(type, touches) {
      const folder = folderOf(type);
      return guarded(() =>
        locked(folder, () => touches.map((touch) => orError(() => folder.touch(touch)))),
      );
    },

    async del(type, deletions) {
      const folder = folderOf(type);
      return guarded(async () => {
        const results = await locked(folder, () =>
          deletions.map((deletion) => orError(() => folder.delete(deletion))),
        );
        return synced(folder, deletions, results, (result) => result === true);
      });
    },

    async scan(type, page) {
      return guarded(() => scan(type, page));
    },

    async count(type, page) {
      return guarded(async () => {
        const { entries, cursor } = await scan(type, page);
        return { live: entries.length, cursor };
      });
    },

    async clear(type, { limit, cursor }) {
      const folder = folderOf(type);
      return guarded(async () => {
        const removed: string[] = [];
        const remove = (name: string) => {
          const path = name.startsWith(CLASSIC) ? name.slice(CLASSIC.length) : name;
          folder.remove(path);
          removed.push(path);
        };
        const next = await locked(folder, () => visitSome(filesOf(folder, cursor), limit, remove));
        await folder.syncFiles(removed);
        return { deleted: removed.length, cursor: next };
      });
    },

    async deleteExpired(type, { limit, cursor }) {
      const folder = folderOf(type);
      return guarded(async () => {
        const moment = Date.now() - DELETION_GRACE_MS;
        const candidates: string[] = [];
        const next = visitSome(folder.files(cursor ?? ""), limit, (name) => {
          if (folder.mayHaveExpired(name, moment)) candidates.push(name);
        });
        let deleted = 0;
        const expire = (name: string) => {
          if (folder.deleteIfExpired(name, moment)) deleted += 1;
        };
        const rest =
          candidates.length === 0
            ? null
            : await locked(folder, () => visitSome(candidates, limit, expire));
        if (rest !== null) return { deleted, cursor: rest };
        if (next === null) {
          folder.deleteLeftovers(Date.now() - LEFTOVER_MS);
          locks.deleteLeftovers(Date.now() - DAY_MS);
        }
        return { deleted, cursor: next };
      });
    },
  };
  return driver;

  function folderOf(type: string): TypeFolder {
    let folder = folders.get(type);
    if (!folder) {
      const report = (of: string, cause: unknown) => driver.onCorrupt?.({ type: of, cause });
      folder = new TypeFolder(dir, type, isDurable, report);
      folders.set(type, folder);
    }
    return folder;
  }

  // One at a time in this process too: locks between processes are waited for by asking again.
  async function locked<T>(folder: TypeFolder, task: () => T): Promise<T> {
    return turns.run(folder.path, () => locks.run(folder.lockPath, task));
  }

  async function guarded<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      throw diskError(named, error);
    }
  }

  /** What is wrong with one member does not spoil the others. */
  function orError<T>(task: () => T): T | Error {
    try {
      return task();
    } catch (error) {
      return diskError(named, error);
    }
  }

  /** The results, when the disk has them; what it may not have by then has failed. */
  async function synced<T>(
    folder: TypeFolder,
    members: readonly { readonly id: string }[],
    results: readonly T[],
    isChange: (result: T) => boolean,
  ): Promise<readonly (T | Error)[]> {
    const changed = members.filter((_, i) => isChange(results[i] as T)).map(({ id }) => id);
    try {
      await folder.syncEntries(changed);
      return results;
    } catch (error) {
      return results.map((result) => (isChange(result) ? diskError(named, error) : result));
    }
  }

  async function scan(type: string, { limit, cursor }: Page): Promise<EntryPage> {
    const folder = folderOf(type);
    const entries: StoredEntry[] = [];
    const next = visitSome(filesOf(folder, cursor), limit, (name) => {
      const entry = name.startsWith(CLASSIC)
        ? classicEntry(folder, type, name.slice(CLASSIC.length))
        : folder.entryIn(name);
      if (entry) entries.push(entry);
    });
    return { entries, cursor: next };
  }

  function classicEntry(folder: TypeFolder, type: string, path: string): StoredEntry | null {
    const pkey = Object.hasOwn(schema, type) ? schema[type]?.pkey : undefined;
    const id = classicIdIn(folder.path, path, pkey);
    if (id !== null) return folder.find(id);
    const cause = new Error("A file of version 1 does not tell the id of its entry");
    driver.onCorrupt?.({ type, cause });
    return null;
  }
}

/**
 * The files of entries behind the one that a cursor names. Those of version 1 come first: a write
 * makes a new file of one, and nothing the other way round, so that a listing misses none.
 */
function* filesOf(folder: TypeFolder, cursor: string | null): Generator<string> {
  const isInClassic = cursor === null || cursor.startsWith(CLASSIC);
  if (isInClassic) {
    const after = cursor?.slice(CLASSIC.length) ?? "";
    for (const path of classicFiles(folder.path, after)) yield CLASSIC + path;
  }
  yield* folder.files(isInClassic ? "" : cursor);
}
