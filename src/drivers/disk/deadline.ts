import { utimesSync } from "node:fs";
import { laterOf } from "../../databank/entry.js";

/** 1 January 2100. A file whose time of modification is that or later never expires. */
export const NEVER_MS = 4_102_444_800_000;

/**
 * Deadlines as times of modification.
 *
 * A file's time is the deadline as touches have moved it; its text says what the last write set.
 * The later of both counts, so a copy with a new time still lives as long as it was written for.
 */
export class FileTimes {
  readonly #latest: number;

  /** @param latest - The latest time that the file system keeps, in epoch milliseconds. */
  constructor(latest: number) {
    this.#latest = latest;
  }

  /** Whether a deadline can be told by a file's time alone. */
  canTell(expiresAt: number | null): boolean {
    if (expiresAt === null) return this.#latest >= NEVER_MS;
    return expiresAt < NEVER_MS && expiresAt <= this.#latest;
  }

  /** Sets a file's time to a deadline, or as near before it as can be. */
  set(path: string, expiresAt: number | null): void {
    // A second short of never, for the deadlines after it that are in the text.
    const time = expiresAt === null ? NEVER_MS : Math.min(expiresAt, NEVER_MS - 1000);
    setFileTime(path, Math.min(time, this.#latest));
  }
}

/** Sets a file's time of modification, in epoch milliseconds. */
export function setFileTime(path: string, ms: number): void {
  // The time of access stays ahead, or Linux would note it again at each read.
  utimesSync(path, ms / 1000 + 1, ms / 1000);
}

/** The deadline that counts, by the text of a file and its time. */
export function deadlineOf(written: number | null, mtimeMs: number): number | null {
  // File systems and Node round what they keep by less than a microsecond.
  const time = Math.round(mtimeMs);
  return laterOf(written, time >= NEVER_MS ? null : time);
}

/** Whether a file lives by its time alone. If not, its text may still say that it does. */
export function isAhead(mtimeMs: number, now: number): boolean {
  return Math.round(mtimeMs) > now;
}
