import type { Condition } from "./driver.js";

/**
 * How long a driver without its database's clock spares what has expired, in milliseconds:
 * clocks of several machines differ, and deletion must not be early.
 */
export const DELETION_GRACE_MS = 60_000;

/** Whether a deadline is still ahead. At the deadline itself an entry is expired. */
export function isLive(expiresAt: number | null, now: number): boolean {
  return expiresAt === null || expiresAt > now;
}

/** The later of two deadlines; `null`, never, is the latest. */
export function laterOf(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : Math.max(a, b);
}

/** Whether a condition holds for what is live under its id: `null` where nothing is. */
export function isMet(
  condition: Condition | undefined,
  current: { readonly version: string } | null,
): boolean {
  if (condition === undefined) return true;
  if (condition === "absent") return current === null;
  if (condition === "present") return current !== null;
  return current?.version === condition;
}
