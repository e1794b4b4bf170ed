import type { Deletion, StoredEntry, Touch, Write, WriteResult } from "../../databank/driver.js";
import { isLive, isMet, laterOf } from "../../databank/entry.js";
import type { Seen } from "./recent.js";

/** What shall become of a record, nothing if neither is there, and what that is answered with. */
export interface Decision<R> {
  readonly answer: R;
  /** It is replaced. */
  readonly store?: StoredEntry;
  /** It is deleted. */
  readonly remove?: true;
  /** Whether that shall happen even if the record is no longer what was seen. */
  readonly isAnyway?: boolean;
}

/** Decides by what is there: `null` is nothing, `undefined` unknown, where that does not matter. */
export type Decide<M, R> = (member: M, seen: Seen | null | undefined) => Decision<R>;

/** Whether a write can be decided without knowing what is there. */
export function isUnconditional({ if: condition, extend }: Write): boolean {
  return condition === undefined && !extend;
}

export function decideWrite(write: Write, seen: Seen | null | undefined): Decision<WriteResult> {
  const now = Date.now();
  const isAnyway = isUnconditional(write);
  const current = liveIn(seen, now);
  if (!isMet(write.if, current)) return { answer: { conflict: current } };
  const expiresAt =
    write.extend && current ? laterOf(current.expiresAt, write.expiresAt) : write.expiresAt;
  if (isLive(expiresAt, now)) return { answer: "done", store: { ...write, expiresAt }, isAnyway };
  return isAnyway || seen ? { answer: "done", remove: true, isAnyway } : { answer: "done" };
}

export function decideTouch(touch: Touch, seen: Seen | null | undefined): Decision<boolean> {
  const current = liveIn(seen, Date.now());
  if (current === null) return { answer: false };
  const expiresAt = laterOf(current.expiresAt, touch.expiresAt);
  if (expiresAt === current.expiresAt) return { answer: true };
  return { answer: true, store: { ...current, expiresAt } };
}

export function decideDeletion(
  { if: version }: Deletion,
  seen: Seen | null | undefined,
): Decision<boolean> {
  const current = liveIn(seen, Date.now());
  if (current === null || !isMet(version, current)) return { answer: false };
  return { answer: true, remove: true };
}

/** The entry that was seen, if its life goes on. */
export function liveIn(seen: Seen | null | undefined, now: number): StoredEntry | null {
  const entry = seen?.entry ?? null;
  return entry && isLive(entry.expiresAt, now) ? entry : null;
}
