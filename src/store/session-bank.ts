import { Databank } from "../databank/databank.js";
import { DatabankError } from "../databank/errors.js";
import { isLegacyDatabank, legacyDriver } from "../databank/legacy-driver.js";
import { momentOf } from "./cookie.js";

/** The databank of a store, and whether the store opened it and so has to close it. */
export interface SessionBank {
  readonly bank: Databank;
  readonly isOwn: boolean;
}

/**
 * Finds the databank in what a program hands to a store: a URL, a `Databank`, or a databank object
 * of the old npm package.
 */
export function sessionBank(from: unknown): SessionBank {
  if (typeof from === "string") return { bank: Databank.open(from), isOwn: true };
  if (from instanceof Databank) return { bank: from, isOwn: false };
  if (isLegacyDatabank(from)) {
    const driver = legacyDriver(from, { deadlineOf, withDeadline, idOf });
    return { bank: new Databank(driver), isOwn: false };
  }
  throw new DatabankError(
    'A store needs a databank: a URL such as "disk:./sessions", or what Databank.open(url) returns',
    { code: "DATABANK_INVALID_OPTION" },
  );
}

// An old databank keeps nothing beside the value, so a session's deadline stays in its cookie.
function deadlineOf(value: unknown): number | null {
  return isSession(value) ? momentOf(value.cookie.expires) : null;
}

function withDeadline<T>(value: T, expiresAt: number | null): T {
  if (!isSession(value)) return value;
  const expires = expiresAt === null ? null : new Date(expiresAt).toISOString();
  return { ...value, cookie: { ...value.cookie, expires } };
}

// Nor does it say under which id something is stored; version 1 put it into the value.
function idOf(_type: string, value: unknown): string | null {
  return isSession(value) && typeof value.sid === "string" ? value.sid : null;
}

function isSession(value: unknown): value is {
  readonly cookie: Record<string, unknown>;
  readonly sid?: unknown;
} {
  if (typeof value !== "object" || value === null || !("cookie" in value)) return false;
  return typeof value.cookie === "object" && value.cookie !== null;
}
