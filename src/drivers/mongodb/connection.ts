import type { CorruptReport, Schema } from "../../databank/driver.js";
import { canTell } from "./batch.js";
import { type Collection, type MongodbDatabase, openCollection } from "./client.js";
import { Entries } from "./entries.js";
import { createIndexes, type IndexSettings } from "./indexes.js";
import { collectionName } from "./names.js";

/** One type: its collection, and whether that has its indexes. */
interface Type {
  readonly collection: Collection;
  readonly entries: Entries;
  isPrepared: boolean;
  preparing: Promise<void> | undefined;
}

/** A database that answers, and what the driver knows of it. */
export class Connection {
  readonly #database: MongodbDatabase;
  readonly #schema: Schema;
  readonly #settings: IndexSettings;
  readonly #onCorrupt: (report: CorruptReport) => void;
  readonly #types = new Map<string, Type>();
  #canTell: Promise<boolean> | undefined;

  constructor(
    database: MongodbDatabase,
    schema: Schema,
    settings: IndexSettings,
    onCorrupt: (report: CorruptReport) => void,
  ) {
    this.#database = database;
    this.#schema = schema;
    this.#settings = settings;
    this.#onCorrupt = onCorrupt;
  }

  /** Makes sure that the server answers, and that the types of the schema have their indexes. */
  async prepareAll(): Promise<void> {
    await this.#database.command({ ping: 1 });
    await Promise.all(Object.keys(this.#schema).map((type) => this.prepared(type)));
  }

  /** The entries of a type, for what needs no indexes and makes no collection. */
  entries(type: string): Entries {
    return this.#type(type).entries;
  }

  /** The entries of a type whose collection has its indexes. */
  async prepared(type: string): Promise<Entries> {
    const found = this.#type(type);
    if (!found.isPrepared) {
      found.preparing ??= this.#prepare(type, found);
      await found.preparing;
    }
    return found.entries;
  }

  async #prepare(type: string, found: Type): Promise<void> {
    try {
      await createIndexes(found.collection, type, this.#schema, this.#settings);
      found.isPrepared = true;
    } finally {
      found.preparing = undefined;
    }
  }

  #type(type: string): Type {
    let found = this.#types.get(type);
    if (!found) {
      const collection = openCollection(this.#database, collectionName(type));
      const pkey = Object.hasOwn(this.#schema, type) ? this.#schema[type]?.pkey : undefined;
      const entries = new Entries(
        collection,
        pkey,
        () => this.#canServerTell(collection),
        (cause) => this.#onCorrupt({ type, cause }),
      );
      found = { collection, entries, isPrepared: false, preparing: undefined };
      this.#types.set(type, found);
    }
    return found;
  }

  // It is the same server for all collections, so one is asked.
  async #canServerTell(collection: Collection): Promise<boolean> {
    this.#canTell ??= canTell(collection);
    try {
      return await this.#canTell;
    } catch (error) {
      this.#canTell = undefined;
      throw error;
    }
  }
}
