import type { Id } from "./address.js";
import type { Callback, Rest } from "./callback.js";
import { isSameValue } from "./criteria.js";
import { EntryOperations } from "./entry-operations.js";
import { DatabankError, NoSuchItemError, NoSuchThingError, WrongTypeError } from "./errors.js";
import { parseJson, toJson, type Value } from "./json.js";
import { checkFunction, invalidOption, wholeNumber } from "./options.js";

/**
 * The methods of a databank that change a number or an array in place.
 *
 * Each change is one step, whoever else changes the same entry, and leaves its deadline alone.
 * Items are compared by value, the order of keys aside.
 */
export abstract class ArrayOperations extends EntryOperations {
  /** Adds 1 to a number, or makes it 1, and resolves to the sum. */
  incr(type: string, id: Id): Promise<number>;
  incr(type: string, id: Id, callback: Callback<number>): void;
  incr(type: string, id: Id, ...rest: Rest<never, number>): Promise<unknown> {
    return this.answer(rest, () => this.#add(type, id, 1));
  }

  /** Takes 1 from a number, or makes it −1, and resolves to the difference. */
  decr(type: string, id: Id): Promise<number>;
  decr(type: string, id: Id, callback: Callback<number>): void;
  decr(type: string, id: Id, ...rest: Rest<never, number>): Promise<unknown> {
    return this.answer(rest, () => this.#add(type, id, -1));
  }

  /** Adds `n` to a number, or makes it `n`, and resolves to the sum. */
  incrBy(type: string, id: Id, n: number): Promise<number>;
  incrBy(type: string, id: Id, n: number, callback: Callback<number>): void;
  incrBy(type: string, id: Id, n: number, ...rest: Rest<never, number>): Promise<unknown> {
    return this.answer(rest, () => this.#add(type, id, n));
  }

  /** Takes `n` from a number, or makes it −`n`, and resolves to the difference. */
  decrBy(type: string, id: Id, n: number): Promise<number>;
  decrBy(type: string, id: Id, n: number, callback: Callback<number>): void;
  decrBy(type: string, id: Id, n: number, ...rest: Rest<never, number>): Promise<unknown> {
    return this.answer(rest, () => this.#add(type, id, -n));
  }

  /** Adds an item at the end of an array, or makes the array. */
  append(type: string, id: Id, item: unknown): Promise<void>;
  append(type: string, id: Id, item: unknown, callback: Callback): void;
  append(type: string, id: Id, item: unknown, ...rest: Rest<never, void>): Promise<unknown> {
    return this.answer(rest, () => this.#insert(type, id, [item], "end"));
  }

  /** Adds an item at the beginning of an array, or makes the array. */
  prepend(type: string, id: Id, item: unknown): Promise<void>;
  prepend(type: string, id: Id, item: unknown, callback: Callback): void;
  prepend(type: string, id: Id, item: unknown, ...rest: Rest<never, void>): Promise<unknown> {
    return this.answer(rest, () => this.#insert(type, id, [item], "beginning"));
  }

  /** Adds items at the end of an array, or makes the array. */
  appendAll(type: string, id: Id, items: readonly unknown[]): Promise<void>;
  appendAll(type: string, id: Id, items: readonly unknown[], callback: Callback): void;
  appendAll(
    type: string,
    id: Id,
    items: readonly unknown[],
    ...rest: Rest<never, void>
  ): Promise<unknown> {
    return this.answer(rest, () => this.#insert(type, id, items, "end"));
  }

  /** Adds items at the beginning of an array, in their order, or makes the array. */
  prependAll(type: string, id: Id, items: readonly unknown[]): Promise<void>;
  prependAll(type: string, id: Id, items: readonly unknown[], callback: Callback): void;
  prependAll(
    type: string,
    id: Id,
    items: readonly unknown[],
    ...rest: Rest<never, void>
  ): Promise<unknown> {
    return this.answer(rest, () => this.#insert(type, id, items, "beginning"));
  }

  /** Resolves to one item of an array; rejects with {@link NoSuchItemError} outside it. */
  item<T = Value>(type: string, id: Id, index: number): Promise<T>;
  item<T = Value>(type: string, id: Id, index: number, callback: Callback<T>): void;
  item<T>(type: string, id: Id, index: number, ...rest: Rest<never, T>): Promise<unknown> {
    return this.answer(rest, async () => {
      const items = await this.#items<T>(type, id);
      const item = items[wholeNumber("index", index)];
      if (item === undefined) throw new NoSuchItemError(type, id, index);
      return item;
    });
  }

  /** Resolves to a part of an array, as `Array.prototype.slice` gives it. */
  slice<T = Value>(type: string, id: Id, begin?: number, end?: number): Promise<T[]>;
  slice<T = Value>(type: string, id: Id, begin: number, callback: Callback<T[]>): void;
  slice<T = Value>(type: string, id: Id, begin: number, end: number, callback: Callback<T[]>): void;
  slice<T>(type: string, id: Id, ...rest: Rest<number, T[]>): Promise<unknown> {
    return this.answer(rest, async () => {
      const [begin, end] = rest.map((bound) => (typeof bound === "number" ? bound : undefined));
      return (await this.#items<T>(type, id)).slice(begin, end);
    });
  }

  /** Resolves to where an item first is in an array, or to −1. */
  indexOf(type: string, id: Id, item: unknown): Promise<number>;
  indexOf(type: string, id: Id, item: unknown, callback: Callback<number>): void;
  indexOf(type: string, id: Id, item: unknown, ...rest: Rest<never, number>): Promise<unknown> {
    return this.answer(rest, async () => {
      const wanted = parseJson(toJson(item));
      const items = await this.#items(type, id);
      return items.findIndex((candidate) => isSameValue(candidate, wanted));
    });
  }

  /** Removes an item from an array, the first of its kind; that it is absent is no error. */
  remove(type: string, id: Id, item: unknown): Promise<void>;
  remove(type: string, id: Id, item: unknown, callback: Callback): void;
  remove(type: string, id: Id, item: unknown, ...rest: Rest<never, void>): Promise<unknown> {
    return this.answer(rest, () => this.#removeAll(type, id, [item]));
  }

  /** Removes each item from an array, the first of its kind; that one is absent is no error. */
  removeAll(type: string, id: Id, items: readonly unknown[]): Promise<void>;
  removeAll(type: string, id: Id, items: readonly unknown[], callback: Callback): void;
  removeAll(
    type: string,
    id: Id,
    items: readonly unknown[],
    ...rest: Rest<never, void>
  ): Promise<unknown> {
    return this.answer(rest, () => this.#removeAll(type, id, items));
  }

  /** Resolves to how many items an array has. */
  length(type: string, id: Id): Promise<number>;
  length(type: string, id: Id, callback: Callback<number>): void;
  length(type: string, id: Id, ...rest: Rest<never, number>): Promise<unknown> {
    return this.answer(rest, async () => (await this.#items(type, id)).length);
  }

  /** Shortens an array to `length` items. A shorter one stays as it is. */
  truncate(type: string, id: Id, length: number): Promise<void>;
  truncate(type: string, id: Id, length: number, callback: Callback): void;
  truncate(type: string, id: Id, length: number, ...rest: Rest<never, void>): Promise<unknown> {
    return this.answer(rest, async () => {
      wholeNumber("length", length);
      await this.entries.modify<unknown>(type, id, (value) => {
        const items = arrayIn(type, id, value);
        return items.length > length ? items.slice(0, length) : undefined;
      });
    });
  }

  /**
   * Stores `initial` where nothing is there, and else what `change` makes of the value.
   * Resolves to the value that is there afterwards.
   */
  readAndModify<T = Value>(
    type: string,
    id: Id,
    initial: T,
    change: (value: T) => T,
    ...rest: readonly [] | readonly [callback: undefined]
  ): Promise<T>;
  readAndModify<T = Value>(
    type: string,
    id: Id,
    initial: T,
    change: (value: T) => T,
    callback: Callback<T>,
  ): void;
  readAndModify<T>(
    type: string,
    id: Id,
    initial: T,
    change: (value: T) => T,
    ...rest: Rest<never, T>
  ): Promise<unknown> {
    return this.answer(rest, async () => {
      checkFunction("change", change);
      const entry = await this.entries.modify<T>(type, id, (value) =>
        value === undefined ? initial : change(value),
      );
      return entry?.value;
    });
  }

  async #add(type: string, id: Id, n: number): Promise<number> {
    if (!Number.isFinite(n)) throw invalidOption("What is added must be a finite number");
    let sum = n;
    await this.entries.modify<unknown>(type, id, (value = 0) => {
      if (typeof value !== "number") throw new WrongTypeError(type, id, "number");
      sum = value + n;
      // JSON would make null of it.
      if (!Number.isFinite(sum)) throw tooLarge();
      return sum;
    });
    return sum;
  }

  async #insert(
    type: string,
    id: Id,
    items: readonly unknown[],
    where: "beginning" | "end",
  ): Promise<void> {
    if (!Array.isArray(items)) throw invalidOption("The items must be an array");
    // Later changes of the program's objects must not show in a second attempt.
    const copies: unknown[] = items.map((item) => parseJson(toJson(item)));
    await this.entries.modify<unknown>(type, id, (value = []) => {
      const present = arrayIn(type, id, value);
      return where === "end" ? [...present, ...copies] : [...copies, ...present];
    });
  }

  async #removeAll(type: string, id: Id, items: readonly unknown[]): Promise<void> {
    if (!Array.isArray(items)) throw invalidOption("The items must be an array");
    const wanted = items.map((item) => parseJson(toJson(item)));
    await this.entries.modify<unknown>(type, id, (value) => {
      const left = [...arrayIn(type, id, value)];
      for (const item of wanted) {
        const index = left.findIndex((candidate) => isSameValue(candidate, item));
        if (index !== -1) left.splice(index, 1);
      }
      return left;
    });
  }

  async #items<T = Value>(type: string, id: Id): Promise<readonly T[]> {
    return arrayIn<T>(type, id, await this.entries.read<unknown>(type, id));
  }
}

function tooLarge(): DatabankError {
  return new DatabankError("The sum is too large for a number", { code: "DATABANK_INVALID_VALUE" });
}

/** The value, if it is an array; missing and wrong ones are errors. */
function arrayIn<T>(type: string, id: Id, value: unknown): readonly T[] {
  if (value === undefined) throw new NoSuchThingError(type, id);
  if (!Array.isArray(value)) throw new WrongTypeError(type, id, "array");
  return value;
}
