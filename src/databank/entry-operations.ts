import { EventEmitter } from "node:events";
import type { Id } from "./address.js";
import {
  type Callback,
  callbackIn,
  optionsIn,
  type Rest,
  report,
  type WithCallback,
} from "./callback.js";
import { Collector } from "./collector.js";
import { Connection } from "./connection.js";
import type { CorruptReport, Schema } from "./driver.js";
import type { Source } from "./driver-source.js";
import { Entries } from "./entries.js";
import type { Entry } from "./entry.js";
import type { Value } from "./json.js";
import type { DatabankEvents } from "./listings.js";
import type { Change } from "./modify.js";
import type {
  DeleteOptions,
  ModifyOptions,
  SaveOptions,
  WriteOptions,
  WriteOutcome,
} from "./write-options.js";

/** The methods of a databank that work on an entry whose id is known. */
export abstract class EntryOperations {
  /** Which paths of which types are indexed, and which property holds the id. */
  schema: Schema;
  /** What the databank's driver is called. */
  readonly driverName: string;
  /** The same entries as JSON text, one call each, gathered into batches. */
  readonly collector: Collector;
  protected readonly connection: Connection;
  protected readonly entries: Entries;
  readonly #events = new EventEmitter<DatabankEvents>();

  constructor(source: Source) {
    const { timeoutMs, maxPending, schema } = source.options;
    this.schema = schema;
    this.driverName = source.name;
    this.connection = new Connection(source, {
      isExplicit: source.isExplicit,
      timeoutMs,
      schema: () => this.schema,
      onCorrupt: (report) => this.tellCorrupt(report),
    });
    this.collector = new Collector(() => this.connection.connected(), { timeoutMs, maxPending });
    this.entries = new Entries(this.collector);
    // Each store on this databank listens, and there may be many.
    this.#events.setMaxListeners(0);
  }

  /** Calls `listener` with each event of that name. */
  on(event: "corrupt", listener: (...args: DatabankEvents["corrupt"]) => void): this {
    this.#events.on(event, listener);
    return this;
  }

  /** Calls `listener` with the next event of that name. */
  once(event: "corrupt", listener: (...args: DatabankEvents["corrupt"]) => void): this {
    this.#events.once(event, listener);
    return this;
  }

  /** Takes a listener back. */
  off(event: "corrupt", listener: (...args: DatabankEvents["corrupt"]) => void): this {
    this.#events.off(event, listener);
    return this;
  }

  /** Resolves to the entry, or to `null` where nothing is there. */
  find<T = Value>(type: string, id: Id): Promise<Entry<T> | null>;
  find<T = Value>(type: string, id: Id, callback: Callback<Entry<T> | null>): void;
  find<T>(type: string, id: Id, ...rest: Rest<never, Entry<T> | null>): Promise<unknown> {
    return this.answer(rest, () => this.entries.find<T>(type, id));
  }

  /** Resolves to the value; rejects with {@link NoSuchThingError} where nothing is there. */
  read<T = Value>(type: string, id: Id): Promise<T>;
  read<T = Value>(type: string, id: Id, callback: Callback<T>): void;
  read<T>(type: string, id: Id, ...rest: Rest<never, T>): Promise<unknown> {
    return this.answer(rest, () => this.entries.read<T>(type, id));
  }

  /** Resolves to an object with the value of each id, `null` where nothing is there. */
  readAll<T = Value>(type: string, ids: readonly Id[]): Promise<Record<string, T | null>>;
  readAll<T = Value>(
    type: string,
    ids: readonly Id[],
    callback: Callback<Record<string, T | null>>,
  ): void;
  readAll<T>(
    type: string,
    ids: readonly Id[],
    ...rest: Rest<never, Record<string, T | null>>
  ): Promise<unknown> {
    return this.answer(rest, () => this.entries.readAll<T>(type, ids));
  }

  /** Stores a value under a new id; rejects with {@link AlreadyExistsError} if it is taken. */
  create<T = Value>(type: string, id: Id, value: T, options?: SaveOptions): Promise<T>;
  create<T = Value>(type: string, id: Id, value: T, ...rest: WithCallback<SaveOptions, T>): void;
  create<T>(type: string, id: Id, value: T, ...rest: Rest<SaveOptions, T>): Promise<unknown> {
    return this.answer(rest, () =>
      this.entries.save<T>(type, id, value, optionsIn(rest), "absent"),
    );
  }

  /** Replaces a value, whole; rejects with {@link NoSuchThingError} where nothing is there. */
  update<T = Value>(type: string, id: Id, value: T, options?: SaveOptions): Promise<T>;
  update<T = Value>(type: string, id: Id, value: T, ...rest: WithCallback<SaveOptions, T>): void;
  update<T>(type: string, id: Id, value: T, ...rest: Rest<SaveOptions, T>): Promise<unknown> {
    return this.answer(rest, () =>
      this.entries.save<T>(type, id, value, optionsIn(rest), "present"),
    );
  }

  /** Stores a value, whether or not one is there. */
  save<T = Value>(type: string, id: Id, value: T, options?: SaveOptions): Promise<T>;
  save<T = Value>(type: string, id: Id, value: T, ...rest: WithCallback<SaveOptions, T>): void;
  save<T>(type: string, id: Id, value: T, ...rest: Rest<SaveOptions, T>): Promise<unknown> {
    return this.answer(rest, () =>
      this.entries.save<T>(type, id, value, optionsIn(rest), undefined),
    );
  }

  /**
   * Deletes an entry; rejects with {@link NoSuchThingError} where nothing is there. With
   * `{ if: version }` it resolves to whether an entry of that version was there and is deleted.
   */
  del(type: string, id: Id): Promise<void>;
  del(type: string, id: Id, options: DeleteOptions): Promise<boolean>;
  del(type: string, id: Id, callback: Callback): void;
  del(type: string, id: Id, options: DeleteOptions, callback: Callback<boolean>): void;
  del(
    type: string,
    id: Id,
    ...rest: readonly (DeleteOptions | Callback<never> | undefined)[]
  ): Promise<unknown> {
    return this.answer<unknown>(rest, () => this.entries.del(type, id, optionsIn(rest)));
  }

  /**
   * Moves the deadline of an entry, forward only: an earlier one is ignored. Resolves to whether
   * the entry was there.
   *
   * @param expiresAt - Epoch milliseconds or a `Date`; `null` means never.
   */
  touch(type: string, id: Id, expiresAt: Date | number | null): Promise<boolean>;
  touch(type: string, id: Id, expiresAt: Date | number | null, callback: Callback<boolean>): void;
  touch(
    type: string,
    id: Id,
    expiresAt: Date | number | null,
    ...rest: Rest<never, boolean>
  ): Promise<unknown> {
    return this.answer(rest, () => this.entries.touch(type, id, expiresAt));
  }

  /**
   * Stores a value if a condition holds, and says what is there if it does not.
   *
   * A write on a version goes on with the entry's life: its creation stays when it was. Any other
   * begins a new one, and whoever holds a version from before holds something that is gone.
   */
  write<T = Value>(
    type: string,
    id: Id,
    value: T,
    options?: WriteOptions,
  ): Promise<WriteOutcome<T>>;
  write<T = Value>(
    type: string,
    id: Id,
    value: T,
    ...rest: WithCallback<WriteOptions, WriteOutcome<T>>
  ): void;
  write<T>(
    type: string,
    id: Id,
    value: T,
    ...rest: Rest<WriteOptions, WriteOutcome<T>>
  ): Promise<unknown> {
    return this.answer(rest, () => this.entries.write<T>(type, id, value, optionsIn(rest) ?? {}));
  }

  /**
   * Changes a value in one step, whoever else changes it: `change` gets the value, or `undefined`
   * where nothing is there, and returns the new one, or `undefined` to leave things as they are.
   * It may be called several times. Resolves to the entry that is there afterwards, or `null`.
   *
   * Rejects with `DATABANK_CONFLICT` if others were faster 100 times.
   */
  modify<T = Value>(
    type: string,
    id: Id,
    change: Change<T>,
    options?: ModifyOptions,
  ): Promise<Entry<T> | null>;
  modify<T = Value>(
    type: string,
    id: Id,
    change: Change<T>,
    ...rest: WithCallback<ModifyOptions, Entry<T> | null>
  ): void;
  modify<T>(
    type: string,
    id: Id,
    change: Change<T>,
    ...rest: Rest<ModifyOptions, Entry<T> | null>
  ): Promise<unknown> {
    return this.answer(rest, () => this.entries.modify<T>(type, id, change, optionsIn(rest)));
  }

  // Outside our promises: what a listener throws belongs to the application.
  protected tellCorrupt(report: CorruptReport): void {
    process.nextTick(() => this.#events.emit("corrupt", report));
  }

  /** Runs a method, unless there is no connection, and answers in the way the caller has asked. */
  protected answer<T>(rest: readonly unknown[], task: () => Promise<T>): Promise<T | undefined> {
    const run = async () => {
      this.connection.check();
      return task();
    };
    return report(this.connection.track(run()), callbackIn<T>(rest));
  }
}
