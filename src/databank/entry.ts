import type { Condition, StoredEntry } from "./driver.js";
import { DatabankError } from "./errors.js";
import { parseJson, type Value } from "./json.js";

/** A value and what the databank keeps about it. */
export interface Entry<T = Value> {
  readonly id: string;
  /** A copy: changing it changes nothing in the databank. */
  readonly value: T;
  /** An opaque text that is new on each change of the value. */
  readonly version: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Epoch milliseconds; `null` means never. */
  readonly expiresAt: number | null;
}

/**
 * How long a driver without its database's clock spares what has expired, in milliseconds:
 * clocks of several machines differ, and deletion must not be early.
 */
export const DELETION_GRACE_MS = 60_000;

/**
 * How long a database that deletes by its own clock keeps what has expired by that of a process, in
 * milliseconds: what a process takes for live must not be gone because the database is ahead.
 */
export const RECLAIM_GRACE_MS = 600_000;

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

/**
 * An entry with its value instead of its text. The type of the value is the program's word.
 *
 * @throws DatabankError `DATABANK_CORRUPT_ENTRY` when the text is not JSON.
 */
export function toEntry<T = Value>(type: string, stored: StoredEntry): Entry<T> {
  const { id, json, version, createdAt, expiresAt } = stored;
  let value: unknown;
  try {
    value = parseJson(json);
  } catch (cause) {
    throw new DatabankError(`A '${type}' is not readable, because what is stored is not JSON`, {
      code: "DATABANK_CORRUPT_ENTRY",
      // Not the error itself: its message quotes the text.
      cause: Object(cause).name,
    });
  }
  return { id, value: value as T, version, createdAt, expiresAt };
}
