import type { Deletion, StoredEntry, Touch, Write, WriteResult } from "../../databank/driver.js";
import { isLive, isMet, laterOf } from "../../databank/entry.js";

/** What shall become of an item that was seen, nothing but for one of these, and the answer. */
export interface Decision<R> {
  readonly answer: R;
  /** It is replaced. */
  readonly store?: StoredEntry;
  /** Its deadline moves. */
  readonly moveTo?: number | null;
  /** It is deleted. */
  readonly remove?: true;
}

/** Decides by the live entry that is there, or `null`, and by whether any item is there. */
export type Decide<M, R> = (
  member: M,
  current: StoredEntry | null,
  isThere: boolean,
) => Decision<R>;

export function decideWrite(
  write: Write,
  current: StoredEntry | null,
  isThere: boolean,
): Decision<WriteResult> {
  if (!isMet(write.if, current)) return { answer: { conflict: current } };
  const expiresAt =
    write.extend && current ? laterOf(current.expiresAt, write.expiresAt) : write.expiresAt;
  if (isLive(expiresAt, Date.now())) return { answer: "done", store: { ...write, expiresAt } };
  return isThere ? { answer: "done", remove: true } : { answer: "done" };
}

export function decideTouch(touch: Touch, current: StoredEntry | null): Decision<boolean> {
  if (current === null) return { answer: false };
  const moveTo = laterOf(current.expiresAt, touch.expiresAt);
  return moveTo === current.expiresAt ? { answer: true } : { answer: true, moveTo };
}

export function decideDeletion(
  { if: version }: Deletion,
  current: StoredEntry | null,
): Decision<boolean> {
  if (current === null || !isMet(version, current)) return { answer: false };
  return { answer: true, remove: true };
}
