import { ArrayOperations } from "./array-operations.js";
import { type Callback, callbackIn, type Rest, report } from "./callback.js";
import { type Criteria, Matcher, valueAt } from "./criteria.js";
import { checkSchema, type DatabankOptions, splitOptions } from "./databank-options.js";
import type { Capabilities, Driver } from "./driver.js";
import {
  isDriver,
  isSource,
  type Source,
  sourceOfDriver,
  sourceOfName,
  sourceOfNothing,
  sourceToOpen,
} from "./driver-source.js";
import type { Entry } from "./entry.js";
import type { Value } from "./json.js";
import { driverOfClass, isLegacyClass, type LegacyClass } from "./legacy-class.js";
import { Listings } from "./listings.js";
import { checkFunction, text } from "./options.js";
import { type DriverFactory, type DriverOptions, nameDriver } from "./registry.js";

/** Options of `Databank.open`: the databank's own, the driver's name or a URL, and the driver's. */
export interface OpenOptions extends DatabankOptions {
  /** The name of a driver, such as `disk`. */
  readonly driver?: string;
  /** Where the database is; it names the driver too, unless `driver` does. */
  readonly url?: string;
  readonly [driverOption: string]: unknown;
}

/**
 * A uniform way to keep JSON values in any database, addressed by type and id.
 *
 * Every method takes a Node-style callback as its last argument, or returns a promise.
 */
export class Databank extends ArrayOperations {
  readonly #listings: Listings;

  /**
   * Opens a databank: connects at the first call, and again at the next one if that fails.
   *
   * @param url - Such as `memory:`, `disk:./sessions` or `redis://localhost`.
   * @throws DatabankError `DATABANK_UNKNOWN_DRIVER` or `DATABANK_INVALID_OPTION`.
   */
  static open(url: string, options?: OpenOptions): Databank;
  /** @param options - With `driver` or `url`, and what that driver knows. */
  static open(options: OpenOptions): Databank;
  static open(target: string | OpenOptions, options: OpenOptions = {}): Databank {
    return new Databank(sourceToOpen(target, options));
  }

  /**
   * Makes a databank in the way of the first generation: it has to be connected explicitly.
   *
   * @param name - A driver of this package, a registered one, or that of an installed package
   *   `databank-<name>`.
   * @throws DatabankError `DATABANK_UNKNOWN_DRIVER` or `DATABANK_INVALID_OPTION`.
   */
  static get(name: string, params: OpenOptions = {}): Databank {
    return new Databank(sourceOfName(text("driver", name), params ?? {}, true));
  }

  /**
   * Gives a driver a name, for `get`, `open` and URLs.
   *
   * @param driver - A function that makes a driver, or a driver class of the first generation.
   * @throws DatabankError `DATABANK_INVALID_OPTION`.
   */
  static register(name: string, driver: DriverFactory | LegacyClass): void {
    checkFunction("driver", driver);
    const factory = isLegacyClass(driver) ? driverOfClass(driver) : driver;
    nameDriver({ name: text("name", name).toLowerCase(), load: async () => factory });
  }

  /** The value at a dotted path of an object, or `undefined`. */
  static deepProperty(object: unknown, path: string): unknown {
    return valueAt(object, path);
  }

  /** Makes a databank of a driver; it connects at the first call. */
  constructor(driver: Driver | Source, options: DatabankOptions = {}) {
    super(sourceOf(driver, options, new.target === Databank));
    this.#listings = new Listings(
      this.connection,
      () => this.schema,
      (event) => this.tellCorrupt(event),
    );
  }

  /** What the database can do unaided; `undefined` until the driver has been loaded. */
  get capabilities(): Capabilities | undefined {
    return this.connection.driver?.capabilities;
  }

  /**
   * Connects. Rejects with {@link AlreadyConnectedError} the second time.
   *
   * @param params - Added to those that the databank was made with.
   */
  connect(params?: DriverOptions): Promise<void>;
  connect(callback: Callback): void;
  connect(params: DriverOptions, callback: Callback): void;
  connect(...rest: Rest<DriverOptions, void>): Promise<unknown> {
    const [params] = rest;
    const given = typeof params === "function" ? {} : (params ?? {});
    return report(this.#connect(given), callbackIn<void>(rest));
  }

  /**
   * Waits for the calls under way and disconnects; a listing, `count` or `clear` ends after the
   * page that is under way, and fails. Calls fail from then on, until someone
   * connects again. Rejects with {@link NotConnectedError} where there is nothing to disconnect.
   */
  disconnect(): Promise<void>;
  disconnect(callback: Callback): void;
  disconnect(...rest: Rest<never, void>): Promise<unknown> {
    const done = this.connection.disconnect(() => this.collector.whenIdle());
    return report(done, callbackIn<void>(rest));
  }

  /**
   * Goes through all entries of a type, in no particular order. One that is there throughout
   * appears at least once. With `onResult` it is called with each value instead.
   */
  scan<T = Value>(type: string): AsyncIterable<Entry<T>>;
  scan<T = Value>(type: string, onResult: (value: T) => void): Promise<void>;
  scan<T = Value>(type: string, onResult: (value: T) => void, callback: Callback): void;
  scan<T>(type: string, ...rest: readonly unknown[]): unknown {
    return this.#each(this.#listings.scan<T>(type), rest);
  }

  /**
   * Goes through the entries of a type that have the given values at the given dotted paths. With
   * `onResult` it is called with each value instead.
   */
  search<T = Value>(type: string, criteria: Criteria): AsyncIterable<Entry<T>>;
  search<T = Value>(type: string, criteria: Criteria, onResult: (value: T) => void): Promise<void>;
  search<T = Value>(
    type: string,
    criteria: Criteria,
    onResult: (value: T) => void,
    callback: Callback,
  ): void;
  search<T>(type: string, criteria: Criteria, ...rest: readonly unknown[]): unknown {
    return this.#each(this.#listings.search<T>(type, criteria), rest);
  }

  /** Resolves to how many entries a type has. */
  count(type: string): Promise<number>;
  count(type: string, callback: Callback<number>): void;
  count(type: string, ...rest: Rest<never, number>): Promise<unknown> {
    return this.answer(rest, () => this.#listings.count(type));
  }

  /** Deletes every entry of a type. */
  clear(type: string): Promise<void>;
  clear(type: string, callback: Callback): void;
  clear(type: string, ...rest: Rest<never, void>): Promise<unknown> {
    return this.answer(rest, () => this.#listings.clear(type));
  }

  /**
   * Deletes what has expired, a little at a time, and resolves to how many entries that were.
   * Does nothing where the database deletes them itself.
   */
  deleteExpired(type: string): Promise<number>;
  deleteExpired(type: string, callback: Callback<number>): void;
  deleteExpired(type: string, ...rest: Rest<never, number>): Promise<unknown> {
    return this.answer(rest, () => this.#listings.deleteExpired(type));
  }

  /** Whether a value has the given values at the given dotted paths. */
  matchesCriteria(value: unknown, criteria: Criteria): boolean {
    return new Matcher(criteria).matches(value);
  }

  async #connect(params: DriverOptions): Promise<void> {
    const { schema } = splitOptions(params).own;
    if (schema !== undefined) this.schema = checkSchema(schema);
    await this.connection.connect(params);
  }

  #each<T>(entries: AsyncGenerator<Entry<T>>, rest: readonly unknown[]): unknown {
    const [onResult, callback] = rest.filter((arg) => typeof arg === "function");
    if (!onResult) return entries;
    return this.answer(callback ? [callback] : [], async () => {
      for await (const entry of entries) onResult(entry.value);
    });
  }
}

function sourceOf(given: unknown, options: DatabankOptions, isDatabank: boolean): Source {
  if (isSource(given)) return given;
  // Classes of the first generation pass what they like to their base, and use nothing of it.
  const isBase = given === undefined || (!isDatabank && !isDriver(given));
  return isBase ? sourceOfNothing() : sourceOfDriver(given, options);
}
