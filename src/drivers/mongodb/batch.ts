import { DatabankError } from "../../databank/errors.js";
import type { Collection } from "./client.js";
import { type BatchResult, isDuplicate, resultIn } from "./errors.js";
import type { Statement } from "./statements.js";

const NONE: ReadonlySet<number> = new Set();

/**
 * Makes a statement fail where it finds nothing: it would have to make a document then, with an
 * id that no document may have. Of a batch the server tells only how many documents it found, but
 * which of the statements failed.
 */
const REFUSED_UPSERT = { $setOnInsert: { _id: [] } };

/** Runs one statement, and resolves to whether it did what it says. */
export async function run(collection: Collection, statement: Statement): Promise<boolean> {
  const { filter, change, replaces, upsert } = statement;
  const options = { upsert };
  try {
    const { matchedCount, upsertedCount } = replaces
      ? await collection.replaceOne(filter, change, options)
      : await collection.updateOne(filter, change, options);
    return matchedCount + upsertedCount === 1;
  } catch (error) {
    if (isDuplicate(error)) return false;
    throw error;
  }
}

/** Runs statements in one round trip, and resolves to how many of them found a document. */
export async function runAll(
  collection: Collection,
  statements: readonly Statement[],
): Promise<number> {
  const { matchedCount } = await bulkWrite(collection, statements.map(operationOf));
  return matchedCount;
}

/**
 * Runs statements in one round trip, and resolves to whether each did what it says. Needs a server
 * for which {@link canTell} holds.
 */
export async function runEach(
  collection: Collection,
  statements: readonly Statement[],
): Promise<readonly boolean[]> {
  const operations = statements.map((statement) =>
    operationOf(statement.upsert ? statement : refusing(statement)),
  );
  const { matchedCount, upsertedCount, refused } = await bulkWrite(collection, operations);
  if (matchedCount + upsertedCount + refused.size !== statements.length) {
    throw new DatabankError("The server did not say what became of each part of a batch");
  }
  return statements.map((_statement, i) => !refused.has(i));
}

/** Whether the server refuses what {@link runEach} relies on to be refused. */
export async function canTell(collection: Collection): Promise<boolean> {
  const filter = { _id: "\\u:?", version: "" };
  const change = { $set: { version: "", expiresAt: new Date(0) } };
  const probe = refusing({ filter, change, replaces: false, upsert: false });
  const { refused } = await bulkWrite(collection, [operationOf(probe)]);
  if (refused.has(0)) return true;
  await collection.deleteMany(filter);
  return false;
}

function refusing(statement: Statement): Statement {
  return { ...statement, change: { ...statement.change, ...REFUSED_UPSERT }, upsert: true };
}

function operationOf({ filter, change, replaces, upsert }: Statement): object {
  return replaces
    ? { replaceOne: { filter, replacement: change, upsert } }
    : { updateOne: { filter, update: change, upsert } };
}

async function bulkWrite(
  collection: Collection,
  operations: readonly object[],
): Promise<BatchResult> {
  try {
    const counts = await collection.bulkWrite(operations, { ordered: false });
    return {
      matchedCount: counts.matchedCount,
      upsertedCount: counts.upsertedCount,
      refused: NONE,
    };
  } catch (error) {
    return resultIn(error);
  }
}
