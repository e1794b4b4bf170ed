import type { Document } from "./document.js";

/** A database object of the package mongodb. */
export interface MongodbDatabase {
  readonly databaseName: string;
  collection(name: string, options?: object): unknown;
  command(command: object): Promise<unknown>;
}

/** A client object of the package mongodb. */
export interface MongodbClient {
  db(name?: string): MongodbDatabase;
  close(): Promise<void>;
}

/** What of a collection the driver uses. */
export interface Collection {
  find(filter: object, options?: object): { toArray(): Promise<Document[]> };
  findOne(filter: object): Promise<Document | null>;
  bulkWrite(operations: readonly object[], options: object): Promise<UpdateCounts>;
  insertOne(document: object): Promise<unknown>;
  updateOne(filter: object, update: object, options?: object): Promise<UpdateCounts>;
  replaceOne(filter: object, replacement: object, options?: object): Promise<UpdateCounts>;
  deleteOne(filter: object): Promise<{ readonly deletedCount: number }>;
  deleteMany(filter: object): Promise<{ readonly deletedCount: number }>;
  countDocuments(filter: object): Promise<number>;
  createIndexes(indexes: readonly object[]): Promise<unknown>;
}

/** What the client says of updates: how many documents it found, and how many it made. */
export interface UpdateCounts {
  readonly matchedCount: number;
  readonly upsertedCount: number;
}

// What values are read as must not depend on how the program has set up its client, and what
// decides about a conflict must not be read from a server that lags behind.
const OPTIONS = {
  readPreference: "primary",
  promoteValues: true,
  promoteLongs: true,
  promoteBuffers: false,
  useBigInt64: false,
  raw: false,
  // Without a prototype: the client looks every name up in it, "constructor" too.
  fieldsAsRaw: Object.create(null) as object,
  enableUtf8Validation: false,
};

/** A collection that reads and writes as the driver needs it. */
export function openCollection(database: MongodbDatabase, name: string): Collection {
  return database.collection(name, OPTIONS) as Collection;
}
