import type { Touch, Write } from "../../databank/driver.js";
import { isLive } from "../../databank/entry.js";
import { contentOf, toDate } from "./document.js";
import { toId } from "./names.js";

/** One `updateOne` or `replaceOne`: what it finds, and what becomes of it. */
export interface Statement {
  readonly filter: object;
  /** Operators, or a whole document where `replaces`. */
  readonly change: object;
  readonly replaces: boolean;
  /** Whether a document is made where none is found. */
  readonly upsert: boolean;
}

/**
 * What finds a live document. A document without a deadline, and one of version 1, is live: `$lte`
 * finds dates only.
 */
export const live = (now: number) => ({ expiresAt: { $not: { $lte: new Date(now) } } });
const liveWithDeadline = (now: number) => ({ expiresAt: { $gt: new Date(now) } });

/**
 * The statement that does a write if its condition holds, in most cases. In the others it does
 * nothing: a refused one, or one that finds nothing, does not mean that the condition is not met.
 * `null` for writes that no single statement does.
 */
export function writeStatement(write: Write, now: number): Statement | null {
  const { expiresAt, if: condition } = write;
  if (!isLive(expiresAt, now)) return null;
  const _id = toId(write.id);
  const content = contentOf(write);
  if (condition === "absent" || (condition === undefined && !extendsLife(write))) {
    const change = { ...content, expiresAt: toDate(expiresAt) };
    const expired = { _id, expiresAt: { $lte: new Date(now) } };
    const filter = condition === undefined ? { _id } : expired;
    return { filter, change, replaces: true, upsert: true };
  }
  // $max would take null, never, for an early deadline: such documents are not found.
  const deadline = extendsLife(write)
    ? { $set: content, $max: { expiresAt: toDate(expiresAt) } }
    : { $set: { ...content, expiresAt: toDate(expiresAt) } };
  const change = content.encoded ? deadline : { ...deadline, $unset: { encoded: "" } };
  const found = extendsLife(write) ? liveWithDeadline(now) : live(now);
  if (condition === undefined) {
    return { filter: { _id, ...found }, change, replaces: false, upsert: true };
  }
  // The fields of a document of version 1 would stay beside those that are set.
  const expected =
    condition === "present" ? { createdAt: { $type: "date" } } : { version: condition };
  return { filter: { _id, ...expected, ...found }, change, replaces: false, upsert: false };
}

/** The statement that does a touch of a document with a deadline. */
export function touchStatement({ id, expiresAt }: Touch, now: number): Statement {
  const change =
    expiresAt === null ? { $set: { expiresAt } } : { $max: { expiresAt: toDate(expiresAt) } };
  const filter = { _id: toId(id), ...liveWithDeadline(now) };
  return { filter, change, replaces: false, upsert: false };
}

// A life that is extended to never is simply set.
function extendsLife({ extend, expiresAt }: Write): boolean {
  return extend === true && expiresAt !== null;
}
