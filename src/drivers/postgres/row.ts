import type { StoredEntry, UnchangedEntry } from "../../databank/driver.js";
import { fromText } from "../escaped-text.js";

/** A row as the statements select it. */
export interface Row {
  /** The key of the id. */
  readonly id: string;
  readonly full_id: string | null;
  readonly version: string;
  readonly created_ms: number;
  /** Milliseconds from when the statement came until the deadline. */
  readonly left_ms: number | null;
  /** JSON text; `null` where the statement leaves it out. */
  readonly value: string | null;
}

// Postgres has no moment before 4714 BC, and to an entry that has expired it is all one.
const LONG_PAST_MS = -1;

// The last moment that a Date can hold. A deadline on it drifts on its way here and back.
const END_OF_TIME_MS = 8_640_000_000_000_000;

/** A deadline on its way to the server: how many milliseconds from `now`. */
export function leftMs(expiresAt: number | null, now: number): number | null {
  return expiresAt === null ? null : Math.max(expiresAt - now, LONG_PAST_MS);
}

/** The entry of a row whose value was selected. `sentAt` is when the statement was sent. */
export function toStored(row: Row, sentAt: number): StoredEntry {
  return { ...toUnchanged(row, sentAt), json: row.value ?? "" };
}

/** The entry of a row without its value. */
export function toUnchanged(row: Row, sentAt: number): UnchangedEntry {
  return {
    id: fromText(row.full_id ?? row.id),
    version: row.version,
    // Programs may have changed what their pool makes of numbers.
    createdAt: Math.round(Number(row.created_ms)),
    expiresAt: row.left_ms === null ? null : moment(sentAt + Math.round(Number(row.left_ms))),
  };
}

const moment = (ms: number) => Math.min(ms, END_OF_TIME_MS);
