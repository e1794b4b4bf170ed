const DUPLICATE_KEY = 11000;
const UNAUTHORIZED = 13;
const WRITE_CONFLICT = 112;
const INDEX_CONFLICTS = [85, 86];

// To ask again would make it worse: out of reach, not allowed, or not the primary.
const OUT_OF_REACH = [6, 7, 13, 18, 89, 91, 189, 9001, 10058, 10107, 11600, 11602, 13435, 13436];
const NETWORK =
  /^Mongo(?:Network|NetworkTimeout|ServerSelection|PoolCleared|PoolClosed|WaitQueueTimeout|NotConnected|TopologyClosed|ClientClosed|ServerClosed|OperationTimeout)Error$/;

/** Whether a document with that id was there already. */
export function isDuplicate(error: unknown): boolean {
  return codeOf(error) === DUPLICATE_KEY;
}

/** Whether an index is there already, with other options or under another name. */
export function isIndexConflict(error: unknown): boolean {
  return INDEX_CONFLICTS.includes(codeOf(error));
}

/** What to do after a call with this error. */
export function retryOf(error: unknown): "whole" | "each" | "never" {
  if (NETWORK.test(nameOf(error)) || OUT_OF_REACH.includes(codeOf(error))) return "never";
  return codeOf(error) === WRITE_CONFLICT ? "whole" : "each";
}

/** What the client says of a batch, whether it threw it or not. */
export interface BatchResult {
  readonly matchedCount: number;
  readonly upsertedCount: number;
  /** The places of the statements that the server refused. */
  readonly refused: ReadonlySet<number>;
}

/**
 * The result in what the client throws where the server has refused statements of a batch.
 *
 * @throws The error, where it is about the batch as a whole.
 */
export function resultIn(error: unknown): BatchResult {
  const { writeErrors, result, errorResponse } = Object(error);
  if (nameOf(error) !== "MongoBulkWriteError") throw error;
  // The client wraps whatever went wrong.
  if (errorResponse instanceof Error) throw errorResponse;
  const tooFew = result?.getWriteConcernError?.();
  if (tooFew) throw notSafe(tooFew.code, tooFew.errmsg);
  const errors: readonly unknown[] = Array.isArray(writeErrors) ? writeErrors : [writeErrors];
  const { matchedCount, upsertedCount } = Object(result);
  return { matchedCount, upsertedCount, refused: new Set(errors.map(indexOf)) };
}

/** An error without what the client and the server repeat in it of a command: ids, for instance. */
export function discreet(error: unknown): unknown {
  const { message } = Object(error);
  if (nameOf(error) === "MongoWriteConcernError") return notSafe(codeOf(error), message);
  if (codeOf(error) !== UNAUTHORIZED) return error;
  const short = new Error(String(message).replace(/ to execute command .*/s, ""));
  return Object.assign(short, { name: nameOf(error), code: UNAUTHORIZED });
}

/**
 * What was written may be lost again, where fewer servers have it than were asked for. The client's
 * own error repeats what was to be written, ids and values included.
 */
function notSafe(code: unknown, reason: unknown): Error {
  return Object.assign(new Error(`Too few servers have what was written: ${reason}`), { code });
}

function indexOf(writeError: unknown): number {
  return Object(writeError).index;
}

function nameOf(error: unknown): string {
  return String(Object(error).name);
}

function codeOf(error: unknown): number {
  const { code } = Object(error);
  return typeof code === "number" ? code : 0;
}
