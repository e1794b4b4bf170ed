import { invalidOption } from "./options.js";

/** How programs name an entry within its type. A number is short for its decimal text. */
export type Id = string | number;

/** @throws DatabankError `DATABANK_INVALID_OPTION` for anything but a text. */
export function checkType(type: unknown): string {
  if (typeof type === "string") return type;
  throw invalidOption(`A type must be a text, not ${kindOf(type)}`);
}

/**
 * The id as a text.
 *
 * @throws DatabankError `DATABANK_INVALID_OPTION` for anything but a text or a number: an id
 *   that is missing would be stored as "undefined".
 */
export function toId(id: unknown): string {
  if (typeof id === "string") return id;
  if (typeof id === "number" && !Number.isNaN(id)) return String(id);
  throw invalidOption(`An id must be a text or a number, not ${kindOf(id)}`);
}

const SECONDS_FROM = 1e9;
const SECONDS_TO = 1e10;
const MAX_DATE_MS = 8.64e15;

/**
 * A deadline as epoch milliseconds, fractions rounded up; `null` for never.
 *
 * @throws DatabankError `DATABANK_INVALID_OPTION` for what is no moment, and for seconds.
 */
export function toDeadline(expiresAt: Date | number | null): number | null {
  if (expiresAt === null) return null;
  const moment: unknown = expiresAt instanceof Date ? expiresAt.getTime() : expiresAt;
  if (typeof moment !== "number" || !(Math.abs(moment) <= MAX_DATE_MS)) {
    throw invalidOption(
      "expiresAt must be epoch milliseconds, a valid Date, or null for never, such as Date.now() + 60_000",
    );
  }
  // Nobody means the first months of 1970, and a deadline in the past would delete the entry.
  if (moment >= SECONDS_FROM && moment < SECONDS_TO) {
    throw invalidOption("expiresAt must be in milliseconds since 1970, and looks like seconds");
  }
  return Math.ceil(moment);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "number") return "NaN";
  return Array.isArray(value) ? "an array" : typeof value;
}
