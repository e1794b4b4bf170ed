import { utimesSync } from "node:fs";
import { laterOf } from "../../databank/entry.js";

/** 1 January 2100. A file whose time of modification is that or later never expires. */
export const NEVER_MS = 4_102_444_800_000;

/** The time of a file whose deadline is too late for it, and stands in its text alone. */
const IN_TEXT_MS = NEVER_MS - 1000;

/** The time of a file for a deadline. */
export function fileTimeOf(expiresAt: number | null): number {
  return expiresAt === null ? NEVER_MS : Math.min(expiresAt, IN_TEXT_MS);
}

/** Sets a file's time of modification, in epoch milliseconds. */
export function setFileTime(path: string, ms: number): void {
  // The time of access stays ahead, or Linux would note it again at each read.
  utimesSync(path, ms / 1000 + 1, ms / 1000);
}

/**
 * The deadline that counts. A file's time is the deadline as touches have moved it; its text says
 * what the last write set. The later of both counts, so a copy with a new time still lives as long
 * as it was written for.
 */
export function deadlineOf(written: number | null, mtimeMs: number): number | null {
  // File systems and Node round what they keep by less than a microsecond.
  const time = Math.round(mtimeMs);
  return laterOf(written, time >= NEVER_MS ? null : time);
}

/** Whether a file lives by its time alone. If not, its text may still say that it does. */
export function isAhead(mtimeMs: number, now: number): boolean {
  return Math.round(mtimeMs) > now;
}

/** Whether a file's time is its deadline, so that its text need not be read for that. */
export function isDeadline(mtimeMs: number, now: number): boolean {
  return isAhead(mtimeMs, now) && Math.round(mtimeMs) !== IN_TEXT_MS;
}
