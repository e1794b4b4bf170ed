import { checkType, type Id, toDeadline, toId } from "./address.js";
import type { Collector } from "./collector.js";
import type { Write } from "./driver.js";
import { type Entry, toEntry } from "./entry.js";
import { AlreadyExistsError, NoSuchThingError } from "./errors.js";
import { toJson } from "./json.js";
import type { KeyedQueue } from "./keyed-queue.js";
import { type Change, modify, readStored } from "./modify.js";
import { invalidOption } from "./options.js";
import { newLife, nextVersion } from "./version.js";
import {
  checkDeleteOptions,
  checkWriteOptions,
  type DeleteOptions,
  deadlineIn,
  isVersion,
  type ModifyOptions,
  type SaveOptions,
  type WriteOptions,
  type WriteOutcome,
} from "./write-options.js";

const READ_ALL_AT_ONCE = 1000;

/** What can be done with entries whose ids are known, in promises; arguments are checked here. */
export class Entries {
  readonly #collector: Collector;
  readonly #turns: KeyedQueue;

  constructor(collector: Collector) {
    this.#collector = collector;
    this.#turns = collector.turns();
  }

  async modify<T>(
    type: string,
    id: Id,
    change: Change<T>,
    options: ModifyOptions = {},
  ): Promise<Entry<T> | null> {
    const key = toId(id);
    // In turns, so that changes by one process do not compete with each other.
    return this.#turns.run(JSON.stringify([checkType(type), key]), () =>
      modify(this.#collector, type, key, change, options),
    );
  }

  async find<T>(type: string, id: Id): Promise<Entry<T> | null> {
    const stored = await readStored(this.#collector, checkType(type), toId(id));
    return stored && toEntry<T>(type, stored);
  }

  async read<T>(type: string, id: Id): Promise<T> {
    const entry = await this.find<T>(type, id);
    if (!entry) throw new NoSuchThingError(type, id);
    return entry.value;
  }

  async readAll<T>(type: string, ids: readonly Id[]): Promise<Record<string, T | null>> {
    if (!Array.isArray(ids)) throw invalidOption("readAll needs an array of ids");
    const values: (readonly [string, T | null])[] = [];
    for (let start = 0; start < ids.length; start += READ_ALL_AT_ONCE) {
      const some = ids.slice(start, start + READ_ALL_AT_ONCE);
      const found = some.map(async (id) => {
        const entry = await this.find<T>(type, id);
        return [toId(id), entry ? entry.value : null] as const;
      });
      values.push(...(await Promise.all(found)));
    }
    // fromEntries defines its properties, so that even "__proto__" is an ordinary one; an object
    // without prototype would lack the hasOwnProperty that classic programs call.
    return Object.fromEntries(values);
  }

  async save<T>(
    type: string,
    id: Id,
    value: T,
    options: SaveOptions | undefined,
    condition: "absent" | "present" | undefined,
  ): Promise<T> {
    const write: Write = {
      id: toId(id),
      json: toJson(value),
      version: newLife(),
      createdAt: Date.now(),
      expiresAt: deadlineIn(options),
      ...(condition && { if: condition }),
    };
    const result = await this.#collector.write(checkType(type), write);
    if (result === "done") return toEntry<T>(type, write).value;
    throw condition === "absent"
      ? new AlreadyExistsError(type, id)
      : new NoSuchThingError(type, id);
  }

  async del(
    type: string,
    id: Id,
    options: DeleteOptions | undefined,
  ): Promise<boolean | undefined> {
    const key = toId(id);
    if (options) {
      checkDeleteOptions(options);
      return this.#collector.del(checkType(type), { id: key, if: options.if });
    }
    const isDeleted = await this.#collector.del(checkType(type), { id: key });
    if (!isDeleted) throw new NoSuchThingError(type, id);
    return undefined;
  }

  async touch(type: string, id: Id, expiresAt: Date | number | null): Promise<boolean> {
    const touch = { id: toId(id), expiresAt: toDeadline(expiresAt) };
    return this.#collector.touch(checkType(type), touch);
  }

  async write<T>(type: string, id: Id, value: T, options: WriteOptions): Promise<WriteOutcome<T>> {
    checkWriteOptions(options);
    const key = toId(id);
    const json = toJson(value);
    const expiresAt = toDeadline(options.expiresAt ?? null);
    const known = options.if !== undefined && isVersion(options.if) ? options.if : undefined;
    let createdAt = options.createdAt;
    if (known !== undefined && createdAt === undefined) {
      const current = await this.find<T>(type, id);
      if (current?.version !== known) return { written: false, current };
      createdAt = current.createdAt;
    }
    const version = known === undefined ? newLife() : nextVersion(known);
    const result = await this.#collector.write(checkType(type), {
      id: key,
      json,
      version,
      createdAt: createdAt ?? Date.now(),
      expiresAt,
      ...(options.if !== undefined && { if: options.if }),
      ...(options.extend !== undefined && { extend: options.extend }),
    });
    if (result === "done") return { written: true, version };
    return { written: false, current: result.conflict && toEntry<T>(type, result.conflict) };
  }
}
