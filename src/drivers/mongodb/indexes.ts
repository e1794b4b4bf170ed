import type { Schema } from "../../databank/driver.js";
import type { Collection } from "./client.js";
import { isIndexConflict } from "./errors.js";
import { indicesOf } from "./search.js";

// An hour after the deadline, because the server's clock may be ahead of those that sessions live
// by. The databank's own cleanup is earlier.
const TTL_SECONDS = 3600;

/** Which indexes the driver makes. */
export interface IndexSettings {
  readonly createIndexes: boolean;
  readonly ttlIndex: boolean;
}

/**
 * Makes the indexes of a type's collection that are missing. Those that are there with other
 * options stay as they are.
 */
export async function createIndexes(
  collection: Collection,
  type: string,
  schema: Schema,
  { createIndexes, ttlIndex }: IndexSettings,
): Promise<void> {
  if (!createIndexes) return;
  const cleanup = { key: { expiresAt: 1 }, ...(ttlIndex && { expireAfterSeconds: TTL_SECONDS }) };
  const indexes = [cleanup, ...indicesOf(schema, type)];
  try {
    await collection.createIndexes(indexes);
  } catch (error) {
    if (!isIndexConflict(error)) throw error;
    // The server has made none of them, because of one.
    for (const index of indexes) await createIndex(collection, index);
  }
}

async function createIndex(collection: Collection, index: object): Promise<void> {
  try {
    await collection.createIndexes([index]);
  } catch (error) {
    if (!isIndexConflict(error)) throw error;
  }
}
