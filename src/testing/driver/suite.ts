import { randomUUID } from "node:crypto";
import type { Driver, Schema } from "../../databank/driver.js";
import type { TestRunner } from "../test-runner.js";
import { granularityMs } from "./deadlines.js";

/** What the driver contract needs to know. */
export interface DriverContractOptions {
  /**
   * Resolves to a driver of your database, connected with this schema. Called several times, and
   * always for the same database. Drivers that declare `shared` are open at the same time; of
   * others one at a time. The suite disconnects each.
   */
  readonly open: (schema: Schema) => Promise<Driver>;
  /**
   * How many random values and ids are tried, from 0.
   * @default 100
   */
  readonly scale?: number;
  /**
   * Where the random values start, to repeat a run; a failure names it.
   * @default a new one for each run
   */
  readonly seed?: number;
}

/** What a test is given. */
export interface Subject {
  readonly driver: Driver;
  /** A type of its own: tests do not meet, and nobody has to empty the database. */
  readonly type: string;
  /** A second driver on the same database, or the same one where the database is not shared. */
  other(): Promise<Driver>;
}

/** Whether a test applies, judged by what the driver declares. */
export type Needs = (driver: Driver) => boolean;

/** The type whose indices the suite declares. */
const INDICES: readonly string[] = ["user.id", "tag"];

/** How long entries of timed tests live, in milliseconds. They share one wait. */
const SHORT_LIFE_MS = 2000;

/** How late an expired entry may go, in milliseconds, the granularity aside. */
const MARGIN_MS = 150;

/** Registers tests, and holds what they share: two drivers and one wait. */
export class Suite {
  readonly options: Required<DriverContractOptions>;
  /** A type with indices, shared by the tests of `search`. */
  readonly indexedType = freshType();
  readonly schema: Schema = { [this.indexedType]: { indices: INDICES } };

  readonly #runner: TestRunner;
  readonly #preparations: (() => Promise<void>)[] = [];
  #driver: Promise<Driver> | undefined;
  #other: Promise<Driver> | undefined;
  #waited: Promise<void> | undefined;

  constructor(runner: TestRunner, options: DriverContractOptions) {
    this.#runner = runner;
    const seed = Math.floor(Math.random() * 2 ** 32);
    this.options = { scale: 100, seed, ...options };
  }

  section(name: string, body: (suite: Suite) => void): void {
    this.#runner.describe(name, () => body(this));
  }

  test(name: string, body: (subject: Subject) => Promise<void>, needs?: Needs): void {
    this.#runner.it(name, async (...context) => {
      const subject = await this.#subject();
      if (needs && !needs(subject.driver)) return skip(context);
      await body(subject);
    });
  }

  /**
   * A test of what is so after a deadline. All such tests prepare at once and share one wait.
   *
   * @param prepare - Writes entries that end at `soon`, two seconds from its start.
   * @param check - Runs when `soon` has passed, with what `prepare` resolved to.
   */
  timed<T>(
    name: string,
    prepare: (subject: Subject, soon: number) => Promise<T>,
    check: (subject: Subject, prepared: T) => Promise<void>,
    needs?: Needs,
  ): void {
    let prepared: Promise<T> | undefined;
    let subject: Subject | undefined;
    this.#preparations.push(async () => {
      subject = await this.#subject();
      if (needs && !needs(subject.driver)) return;
      prepared = prepare(subject, Date.now() + SHORT_LIFE_MS);
      await prepared.catch(() => {});
    });
    this.#runner.it(name, async (...context) => {
      this.#waited ??= this.#prepareAndWait();
      await this.#waited;
      if (!prepared || !subject) return skip(context);
      await check(subject, await prepared);
    });
  }

  /** A test of a driver that no other test uses. */
  testAlone(name: string, body: (driver: Driver) => Promise<void>): void {
    this.#runner.it(name, () => this.withOwnDriver(body));
  }

  /** Opens a driver, and disconnects it afterwards. Others stay open if the database is shared. */
  async withOwnDriver(body: (driver: Driver) => Promise<void>): Promise<void> {
    const isShared = (await this.#driver)?.capabilities.shared ?? false;
    if (!isShared) await this.close();
    const driver = await this.options.open(this.schema);
    try {
      await body(driver);
    } finally {
      await driver.disconnect();
    }
  }

  #sharedDriver(): Promise<Driver> {
    this.#driver ??= this.options.open(this.schema);
    return this.#driver;
  }

  /** Disconnects the drivers that tests share. A test that comes later opens them again. */
  async close(): Promise<void> {
    const drivers = await Promise.all([this.#driver, this.#other]);
    this.#driver = undefined;
    this.#other = undefined;
    // What a database without durability held is gone, so timed tests must prepare again.
    this.#waited = undefined;
    await Promise.all([...new Set(drivers)].map((driver) => driver?.disconnect()));
  }

  async #subject(): Promise<Subject> {
    const driver = await this.#sharedDriver();
    return { driver, type: freshType(), other: () => this.#otherDriver(driver) };
  }

  #otherDriver(driver: Driver): Promise<Driver> {
    if (!driver.capabilities.shared) return Promise.resolve(driver);
    this.#other ??= this.options.open(this.schema);
    return this.#other;
  }

  async #prepareAndWait(): Promise<void> {
    const driver = await this.#sharedDriver();
    // A first call may build a pool or compile a statement, and must not eat up the deadlines.
    await driver.read(freshType(), [{ id: "warm" }]);
    await Promise.all(this.#preparations.map((prepare) => prepare()));
    await pause(SHORT_LIFE_MS + lateness(driver));
  }
}

/** How long after its deadline an entry may still be seen, in milliseconds. */
export function lateness(driver: Driver): number {
  const granularity = granularityMs(driver);
  // A database that counts whole seconds also looks at its clock once a second.
  return granularity === 1 ? MARGIN_MS : 2 * granularity + MARGIN_MS;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function freshType(): string {
  return `test-${randomUUID()}`;
}

/** Marks a test as skipped in runners that can, and else lets it pass. */
function skip([context]: readonly unknown[]): void {
  // Vitest's context is a function with properties, that of `node:test` an object.
  const skipping: unknown = Object(context).skip;
  if (typeof skipping === "function") skipping.call(context, "The driver does not declare it");
}
