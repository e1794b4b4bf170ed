import type { StoredEntry } from "../databank/driver.js";
import { isLive } from "../databank/entry.js";
import { DatabankError } from "../databank/errors.js";
import { type CookieJson, hasLifetime, momentOf } from "./cookie.js";
import { capped } from "./deadline.js";
import type { PlainSession } from "./live-session.js";

// The latest moment a Date can hold.
const LATEST_DATE_MS = 8_640_000_000_000_000;

/**
 * Makes a fresh session of an entry, its cookie in agreement with the entry's deadline.
 *
 * An entry of version 1 has no deadline of its own: its cookie's counts.
 *
 * @param read - Gives the entry's value, which belongs to the session from then on.
 */
export function inflate(
  entry: StoredEntry,
  read: () => unknown,
  { absoluteTimeoutMs }: { readonly absoluteTimeoutMs: number },
  now: number,
): PlainSession | "expired" | DatabankError {
  try {
    return sessionOf(read(), entry, { absoluteTimeoutMs }, now);
  } catch (cause) {
    return corrupt(cause);
  }
}

/** The same of a value that is there already. */
export function sessionOf(
  value: unknown,
  entry: { readonly createdAt: number; readonly expiresAt: number | null },
  { absoluteTimeoutMs }: { readonly absoluteTimeoutMs: number },
  now: number,
): PlainSession | "expired" | DatabankError {
  if (!isRecord(value)) return corrupt(undefined);
  const stored = isRecord(value.cookie) ? value.cookie : {};
  const kept = entry.expiresAt ?? momentOf(stored.expires);
  const expiresAt = capped(kept, entry.createdAt, absoluteTimeoutMs);
  if (!isLive(expiresAt, now)) return "expired";
  const cookie = agreeing(stored, expiresAt, now);
  value.cookie = cookie;
  return value as PlainSession;
}

function agreeing(stored: CookieJson, expiresAt: number | null, now: number): CookieJson {
  // A cookie without a lifetime stays one: else the browser would keep what it should forget.
  if (expiresAt === null || !hasLifetime(stored)) return { ...stored, expires: null };
  const cookie: Record<string, unknown> = { ...stored };
  cookie.expires = new Date(Math.min(expiresAt, LATEST_DATE_MS)).toISOString();
  // Without it, the first touch would take the lifetime away.
  cookie.originalMaxAge ??= expiresAt - now;
  return cookie;
}

function corrupt(cause: unknown): DatabankError {
  return new DatabankError("A stored session is damaged and counts as missing", {
    code: "DATABANK_CORRUPT_ENTRY",
    cause,
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
