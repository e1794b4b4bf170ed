import type { Deletion, StoredEntry, Touch, Write, WriteResult } from "./driver.js";
import { isLive, isMet, laterOf } from "./entry.js";
import { parseJson, toJson, type Value } from "./json.js";
import { KeyedQueue } from "./keyed-queue.js";
import { call, isNamed, type LegacyDatabank } from "./legacy-databank.js";
import { foreignVersion, lifeOf } from "./version.js";

const MAX_REMEMBERED = 10_000;

/** How the values of an old databank tell what a driver has to keep. */
export interface LegacyDriverOptions {
  /**
   * When a value ends, in epoch milliseconds; `null` means never.
   * @default never
   */
  deadlineOf?(value: unknown): number | null;
  /**
   * A copy of a value that ends at another time.
   * @default the value itself: deadlines are not kept
   */
  withDeadline?(value: unknown, expiresAt: number | null): unknown;
  /**
   * The id of a value, or `null`. Scans of an old databank give values without their ids.
   * @default the property that the schema calls the type's `pkey`
   */
  idOf?(type: string, value: unknown): string | null;
}

/** What cannot be stored beside a value: how it was called when this process wrote it. */
interface Remembered {
  readonly version: string;
  readonly content: string;
  readonly createdAt: number;
}

interface Memory {
  readonly turns: KeyedQueue;
  readonly written: Map<string, Remembered>;
}

// One for each databank object, however many drivers are made of it.
const memories = new WeakMap<LegacyDatabank, Memory>();

/**
 * Single entries of an old databank, with conditions that hold against everyone in this process.
 *
 * A version is made of the content. What this process has written keeps the version that it was
 * given, and its life, so that a writer recognises its own entry when someone has changed it.
 */
export class LegacyEntries {
  readonly #bank: LegacyDatabank;
  readonly #options: LegacyDriverOptions;
  readonly #turns: KeyedQueue;
  readonly #written: Map<string, Remembered>;

  constructor(bank: LegacyDatabank, options: LegacyDriverOptions) {
    this.#bank = bank;
    this.#options = options;
    const memory = memories.get(bank) ?? { turns: new KeyedQueue(), written: new Map() };
    memories.set(bank, memory);
    this.#turns = memory.turns;
    this.#written = memory.written;
  }

  /** Resolves to the live entry or `null`. */
  read(type: string, id: string): Promise<StoredEntry | null> {
    return this.#inTurn(type, id, async () => live(await this.#find(type, id)));
  }

  write(type: string, write: Write): Promise<WriteResult> {
    return this.#inTurn(type, write.id, () => this.#write(type, write));
  }

  touch(type: string, { id, expiresAt }: Touch): Promise<boolean> {
    return this.#inTurn(type, id, async () => {
      const current = live(await this.#find(type, id));
      if (!current) return false;
      const later = laterOf(current.expiresAt, expiresAt);
      if (later === current.expiresAt || !this.#options.withDeadline) return true;
      const value = this.#options.withDeadline(parseJson(current.json), later);
      return this.#replace(type, id, value);
    });
  }

  del(type: string, deletion: Deletion): Promise<boolean> {
    const { id } = deletion;
    return this.#inTurn(type, id, async () => {
      const current = live(await this.#find(type, id));
      if (!current || !isMet(deletion.if, current)) return false;
      return this.#delete(type, id);
    });
  }

  /** Deletes an entry that expired before a moment, unless it has been touched since. */
  deleteExpired(type: string, id: string, before: number): Promise<boolean> {
    return this.#inTurn(type, id, async () => {
      const current = await this.#find(type, id);
      if (!current || isLive(current.expiresAt, before)) return false;
      return this.#delete(type, id);
    });
  }

  /** Deletes whatever is there. */
  drop(type: string, id: string): Promise<boolean> {
    return this.#inTurn(type, id, () => this.#delete(type, id));
  }

  /** A value that a scan has given, as an entry. */
  toStored(type: string, id: string, value: unknown): StoredEntry {
    const json = toJson(value);
    const content = this.#contentOf(value);
    const remembered = this.#written.get(keyOf(type, id));
    return {
      id,
      json,
      version: versionOf(content, remembered),
      createdAt: remembered?.createdAt ?? 0,
      expiresAt: this.#options.deadlineOf?.(value) ?? null,
    };
  }

  async #inTurn<T>(type: string, id: string, task: () => Promise<T>): Promise<T> {
    return this.#turns.run(keyOf(type, id), task);
  }

  async #find(type: string, id: string): Promise<StoredEntry | null> {
    try {
      const value = await call((callback) => this.#bank.read(type, id, callback));
      return value === undefined ? null : this.toStored(type, id, value);
    } catch (error) {
      if (!isNamed(error, "NoSuchThingError")) throw error;
      this.#written.delete(keyOf(type, id));
      return null;
    }
  }

  async #write(type: string, write: Write): Promise<WriteResult> {
    const { id } = write;
    const stored = await this.#find(type, id);
    const current = live(stored);
    if (!isMet(write.if, current)) return { conflict: current };
    const expiresAt =
      write.extend && current ? laterOf(current.expiresAt, write.expiresAt) : write.expiresAt;
    if (!isLive(expiresAt, Date.now())) {
      if (stored) await this.#delete(type, id);
      return "done";
    }
    const plain = parseJson(write.json);
    const value = this.#options.withDeadline?.(plain, expiresAt) ?? plain;
    let isDone = stored
      ? await this.#replace(type, id, value)
      : await this.#create(type, id, value);
    // Someone else was faster. Without a condition the other method must do.
    if (!isDone && write.if === undefined) {
      isDone = stored ? await this.#create(type, id, value) : await this.#replace(type, id, value);
    }
    if (!isDone) return { conflict: live(await this.#find(type, id)) };
    this.#remember(keyOf(type, id), {
      version: write.version,
      content: this.#contentOf(value),
      createdAt: write.createdAt,
    });
    return "done";
  }

  #create(type: string, id: string, value: unknown): Promise<boolean> {
    return unless("AlreadyExistsError", (done) => this.#bank.create(type, id, value, done));
  }

  #replace(type: string, id: string, value: unknown): Promise<boolean> {
    return unless("NoSuchThingError", (done) => this.#bank.update(type, id, value, done));
  }

  #delete(type: string, id: string): Promise<boolean> {
    this.#written.delete(keyOf(type, id));
    return unless("NoSuchThingError", (done) => this.#bank.del(type, id, done));
  }

  // Without its deadline, so that a touch leaves the version alone, and without the order of its
  // keys, which not every database keeps.
  #contentOf(value: unknown): string {
    const timeless = this.#options.withDeadline?.(value, null) ?? value;
    return foreignVersion(JSON.stringify(sorted(parseJson(toJson(timeless)))));
  }

  #remember(key: string, written: Remembered): void {
    this.#written.delete(key);
    this.#written.set(key, written);
    if (this.#written.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#written.keys()) {
      this.#written.delete(oldest);
      return;
    }
  }
}

function keyOf(type: string, id: string): string {
  return JSON.stringify([type, id]);
}

function live(stored: StoredEntry | null): StoredEntry | null {
  return stored && isLive(stored.expiresAt, Date.now()) ? stored : null;
}

function versionOf(content: string, remembered: Remembered | undefined): string {
  if (!remembered) return content;
  if (remembered.content === content) return remembered.version;
  return lifeOf(remembered.version) + content.slice(content.indexOf("."));
}

async function unless(name: string, invoke: Parameters<typeof call>[0]): Promise<boolean> {
  try {
    await call(invoke);
    return true;
  } catch (error) {
    if (isNamed(error, name)) return false;
    throw error;
  }
}

function sorted(value: Value): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, member]) => [name, sorted(member)]);
}
