import { randomUUID } from "node:crypto";
import { type Db, MongoClient } from "mongodb";
import { afterAll } from "vitest";
import type { Driver, Schema } from "../../src/databank/driver.js";
import { type MongodbOptions, mongodbDriver } from "../../src/drivers/mongodb.js";

/** A document, whatever else it holds. */
export interface AnyDocument {
  readonly _id: string;
  readonly [field: string]: unknown;
}

/** The URL of another database on the same servers, of which there may be several. */
export function inDatabase(url: string, name: string): string {
  return url.replace(/^([^:]+:\/\/[^/?]+)(\/[^?]*)?/, `$1/${name}`);
}

/** A database of one's own on a server, removed after the tests. */
export function databaseAt(url: string) {
  const name = `own_${randomUUID().slice(0, 8)}`;
  const client = new MongoClient(url, { monitorCommands: true });
  const db = client.db(name);
  const commands: string[] = [];
  client.on("commandStarted", ({ commandName }) => commands.push(commandName));
  const opened: Driver[] = [];
  afterAll(async () => {
    await Promise.all(opened.map((driver) => driver.disconnect()));
    await db.dropDatabase();
    await client.close();
  });

  return {
    client,
    db,
    /** The same database, as a URL. */
    url: inDatabase(url, name),
    collection: (type: string) => db.collection<AnyDocument>(type),

    /** A connected driver, on the database above unless told otherwise. */
    async connected(options: MongodbOptions = { db }, schema: Schema = {}): Promise<Driver> {
      const driver = mongodbDriver(options);
      opened.push(driver);
      await driver.connect(schema);
      return driver;
    },

    /** The names of the commands that a task sends to the server. */
    async commandsOf(task: () => unknown): Promise<readonly string[]> {
      commands.length = 0;
      await task();
      return [...commands];
    },
  };
}

/**
 * The database, whose collections do something else for some of their methods.
 *
 * @param collections - Where those that are opened are put.
 */
export function altered(
  db: Db,
  methods: Readonly<Record<string, (original: Method, ...given: unknown[]) => unknown>>,
  collections: object[] = [],
): Db {
  const collection = (...given: Parameters<Db["collection"]>) => {
    const found: object = db.collection(...given);
    collections.push(found);
    return withMethods(found, methods);
  };
  return withMethods(db, {
    collection: (_original, ...given) => collection(...(given as [string])),
  });
}

type Method = (...given: unknown[]) => Promise<unknown>;

function withMethods<T extends object>(
  target: T,
  methods: Readonly<Record<string, (original: Method, ...given: unknown[]) => unknown>>,
): T {
  return new Proxy(target, {
    get(from, name) {
      const value: unknown = Reflect.get(from, name, from);
      if (typeof value !== "function") return value;
      const method = value.bind(from);
      const other = typeof name === "string" ? methods[name] : undefined;
      return other ? (...given: unknown[]) => other(method, ...given) : method;
    },
  });
}
