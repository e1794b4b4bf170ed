import { randomUUID } from "node:crypto";
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { mkdir, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Deletion, StoredEntry, Touch, Write, WriteResult } from "../../databank/driver.js";
import { isLive, isMet, laterOf } from "../../databank/entry.js";
import { classicFileOf, readClassic } from "./classic.js";
import { deadlineOf, fileTimeOf, isAhead, isDeadline, NEVER_MS, setFileTime } from "./deadline.js";
import { codeOf, isMissing, isOfTheProcess } from "./disk-error.js";
import { fromText, toText } from "./entry-text.js";
import { namesIn, unlinkIfThere } from "./lock.js";
import { ENTRY_FILE, entryFileOf, folderOf, SHARD } from "./names.js";
import { syncFolder } from "./sync-folder.js";

/** A new text of an entry, safely on the disk, that is not in its place yet. */
export interface Prepared {
  readonly write: Write;
  readonly path: string;
}

/** The files of one type. Methods without a promise are for those who hold its lock, or read. */
export class TypeFolder {
  readonly path: string;
  readonly lockPath: string;
  readonly #type: string;
  readonly #isDurable: boolean;
  readonly #onCorrupt: (cause: unknown) => void;
  readonly #temporary: string;
  readonly #dir: string;
  /** Folders that were made, and whose names the disk may not have yet. */
  readonly #newFolders = new Set<string>();
  /** Ids whose files of version 1 were removed, which the disk may not know yet. */
  readonly #withoutClassic = new Set<string>();

  constructor(
    dir: string,
    type: string,
    isDurable: boolean,
    onCorrupt: (type: string, cause: unknown) => void,
  ) {
    this.#type = type;
    this.#dir = dir;
    this.#isDurable = isDurable;
    this.#onCorrupt = (cause) => onCorrupt(type, cause);
    this.path = join(dir, folderOf(type));
    this.lockPath = join(this.path, ".lock");
    this.#temporary = join(this.path, ".new");
  }

  /**
   * The live entry of an id, or `null`; a damaged file is reported and counts as missing. One that
   * cannot be read does not: the entry may be there.
   */
  find(id: string): StoredEntry | null {
    try {
      const entry = this.#readFile(join(this.path, entryFileOf(id)));
      if (entry === undefined) return readClassic(this.path, id);
      return entry && entry.id === id && isLive(entry.expiresAt, Date.now()) ? entry : null;
    } catch (cause) {
      if (codeOf(cause) !== undefined) throw cause;
      this.#onCorrupt(cause);
      return null;
    }
  }

  /** Writes a new text where nobody looks for it, and waits for the disk. */
  async prepare(write: Write): Promise<Prepared> {
    const path = join(this.#temporary, randomUUID());
    const text = toText(this.#type, write);
    try {
      await this.#writeNew(path, text);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") {
        await rm(path, { force: true });
        throw error;
      }
      await mkdir(this.#temporary, { recursive: true, mode: 0o700 });
      await this.#writeNew(path, text);
    }
    return { write, path };
  }

  /** Puts a prepared text in its place, if its condition holds. */
  commit(prepared: Prepared): WriteResult {
    try {
      return this.#commit(prepared);
    } catch (error) {
      this.discard(prepared);
      throw error;
    }
  }

  /** Removes a prepared text that will not be put in its place, if that is possible. */
  discard({ path }: Prepared): void {
    try {
      unlinkIfThere(path);
    } catch {
      // Why it is not put in its place is what the caller is told; a cleanup removes it.
    }
  }

  #commit({ write, path }: Prepared): WriteResult {
    const current = this.find(write.id);
    if (!isMet(write.if, current)) {
      unlinkIfThere(path);
      return { conflict: current };
    }
    const file = join(this.path, entryFileOf(write.id));
    const expiresAt =
      write.extend && current ? laterOf(current.expiresAt, write.expiresAt) : write.expiresAt;
    if (!isLive(expiresAt, Date.now())) {
      unlinkIfThere(path);
      this.#removeFiles(write.id);
    } else {
      this.#setDeadline(path, expiresAt);
      this.#rename(path, file);
      this.#removeClassic(write.id);
    }
    return "done";
  }

  /** Moves the time of a file, and not its text. */
  touch({ id, expiresAt }: Touch): boolean {
    const file = join(this.path, entryFileOf(id));
    const stat = statSync(file, { throwIfNoEntry: false });
    if (!stat) return this.find(id) !== null;
    const current = isDeadline(stat.mtimeMs, Date.now())
      ? deadlineOf(0, stat.mtimeMs)
      : this.find(id)?.expiresAt;
    if (current === undefined) return false;
    if (laterOf(current, expiresAt) !== current) this.#setDeadline(file, expiresAt);
    return true;
  }

  delete(deletion: Deletion): boolean {
    const current = this.find(deletion.id);
    if (!current || !isMet(deletion.if, current)) return false;
    this.#removeFiles(deletion.id);
    return true;
  }

  /** Deletes a file whose entry had expired by `moment`, and says whether it had. */
  deleteIfExpired(name: string, moment: number): boolean {
    const file = join(this.path, name);
    try {
      const entry = this.#readFile(file);
      if (!entry || isLive(entry.expiresAt, moment)) return false;
      // A file under another name than its entry's says nothing about the files of that entry.
      return name === entryFileOf(entry.id) ? this.#removeFiles(entry.id) : unlinkIfThere(file);
    } catch {
      // A damaged file: reading its entry reports it.
      return false;
    }
  }

  /** The live entry in a file, by the file's name. */
  entryIn(name: string): StoredEntry | null {
    try {
      const entry = this.#readFile(join(this.path, name));
      return entry && isLive(entry.expiresAt, Date.now()) ? entry : null;
    } catch (cause) {
      if (isOfTheProcess(cause)) throw cause;
      this.#onCorrupt(cause);
      return null;
    }
  }

  /** Whether a file's time says that its entry had expired by `moment`; it is not opened. */
  mayHaveExpired(name: string, moment: number): boolean {
    const stat = statSync(join(this.path, name), { throwIfNoEntry: false });
    return stat !== undefined && !isAhead(stat.mtimeMs, moment);
  }

  /** The files of entries behind `after`, in the order of their names. */
  *files(after: string): Generator<string> {
    for (const shard of namesIn(this.path).filter((name) => SHARD.test(name))) {
      if (shard < after.slice(0, 2)) continue;
      for (const name of namesIn(join(this.path, shard))) {
        const file = `${shard}/${name}`;
        if (ENTRY_FILE.test(name) && file > after) yield file;
      }
    }
  }

  /** Removes a file, whatever is in it. */
  remove(name: string): void {
    unlinkIfThere(join(this.path, name));
  }

  /** Removes new texts that a process has left behind when it ended. */
  deleteLeftovers(before: number): void {
    for (const name of namesIn(this.#temporary)) {
      const path = join(this.#temporary, name);
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat && stat.ctimeMs < before) unlinkIfThere(path);
    }
  }

  /** Waits until the disk has what was changed of the entries with these ids. */
  async syncEntries(ids: readonly string[]): Promise<void> {
    // Hardly an entry has a file of version 1, and a sync is what a write waits for.
    const withoutClassic = ids.filter((id) => this.#withoutClassic.has(id));
    await this.syncFiles([...ids.map(entryFileOf), ...withoutClassic.map(classicFileOf)]);
    for (const id of withoutClassic) this.#withoutClassic.delete(id);
  }

  /** Waits until the disk has the names of these files, or that they are gone. */
  async syncFiles(names: readonly string[]): Promise<void> {
    if (!this.#isDurable) return;
    const folders = new Set(names.map((name) => dirname(join(this.path, name))));
    const made = [...folders].filter((folder) => this.#newFolders.has(folder));
    if (made.length > 0) folders.add(this.path).add(this.#dir);
    await Promise.all([...folders].map(syncFolder));
    for (const folder of made) this.#newFolders.delete(folder);
  }

  /**
   * Removes what there is of an entry, and says whether there was a file of our own. The file of
   * version 1, which a crash may have left beside it, goes first: alone it would count again.
   */
  #removeFiles(id: string): boolean {
    this.#removeClassic(id);
    return unlinkIfThere(join(this.path, entryFileOf(id)));
  }

  #removeClassic(id: string): void {
    const wasThere = unlinkIfThere(join(this.path, classicFileOf(id)));
    if (wasThere && this.#isDurable) this.#withoutClassic.add(id);
  }

  async #writeNew(path: string, text: string): Promise<void> {
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(text);
      if (this.#isDurable) await file.sync();
    } finally {
      await file.close();
    }
  }

  // A deadline after the year 2100 is too late for a file's time, and stands in the text instead.
  #setDeadline(path: string, expiresAt: number | null): void {
    if (expiresAt !== null && expiresAt >= NEVER_MS) {
      const entry = this.#readFile(path);
      if (entry && entry.expiresAt !== expiresAt) {
        const next = join(this.#temporary, randomUUID());
        mkdirSync(this.#temporary, { recursive: true, mode: 0o700 });
        writeFileSync(next, toText(this.#type, { ...entry, expiresAt }), { mode: 0o600 });
        renameSync(next, path);
      }
    }
    setFileTime(path, fileTimeOf(expiresAt));
  }

  #rename(from: string, to: string): void {
    try {
      renameSync(from, to);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
      mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
      this.#newFolders.add(dirname(to));
      renameSync(from, to);
    }
  }

  /** `undefined` where there is no file, `null` where it holds no entry. */
  #readFile(path: string): StoredEntry | null | undefined {
    let file: number;
    try {
      file = openSync(path, "r");
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    try {
      const { mtimeMs } = fstatSync(file);
      const entry = fromText(this.#type, readFileSync(file, "utf8"));
      if (!entry) throw new SyntaxError("The file holds no entry");
      return { ...entry, expiresAt: deadlineOf(entry.expiresAt, mtimeMs) };
    } finally {
      closeSync(file);
    }
  }
}
