import type { StoredEntry } from "../databank/driver.js";
import { isLive } from "../databank/entry.js";
import { DatabankError } from "../databank/errors.js";
import { hasLifetime, momentOf } from "./cookie.js";
import { capped } from "./deadline.js";
import { isoText } from "./iso-text.js";
import type { PlainSession } from "./live-session.js";
import { isRecord } from "./plain-json.js";
import type { Snapshot } from "./snapshot.js";

// The latest moment a Date can hold.
const LATEST_DATE_MS = 8_640_000_000_000_000;

/**
 * Makes a fresh session of an entry, its cookie in agreement with the entry's deadline.
 *
 * An entry of version 1 has no deadline of its own: its cookie's counts.
 */
export function inflate(
  stored: Snapshot,
  entry: Lifespan,
  limits: { readonly absoluteTimeoutMs: number },
  now: number,
): PlainSession | "expired" | DatabankError {
  let value: unknown;
  try {
    value = stored.copy();
  } catch (cause) {
    // Not the error itself: it quotes what is stored.
    return corrupt(Object(cause).name);
  }
  return sessionOf(value, entry, limits, now);
}

type Lifespan = Pick<StoredEntry, "createdAt" | "expiresAt">;

/** The same of a value that is there already, and belongs to the session from then on. */
export function sessionOf(
  value: unknown,
  entry: Lifespan,
  { absoluteTimeoutMs }: { readonly absoluteTimeoutMs: number },
  now: number,
): PlainSession | "expired" | DatabankError {
  if (!isRecord(value)) return corrupt(undefined);
  if (!isRecord(value.cookie)) value.cookie = {};
  const cookie = value.cookie as Record<string, unknown>;
  const kept = entry.expiresAt ?? momentOf(cookie.expires);
  const expiresAt = capped(kept, entry.createdAt, absoluteTimeoutMs);
  if (!isLive(expiresAt, now)) return "expired";
  makeAgree(cookie, expiresAt, now);
  return value as PlainSession;
}

function makeAgree(cookie: Record<string, unknown>, expiresAt: number | null, now: number): void {
  // A cookie without a lifetime stays one: else the browser would keep what it should forget.
  if (expiresAt === null || !hasLifetime(cookie)) {
    cookie.expires = null;
    return;
  }
  cookie.expires = isoText(Math.min(expiresAt, LATEST_DATE_MS));
  // Without it, the first touch would take the lifetime away.
  cookie.originalMaxAge ??= expiresAt - now;
}

function corrupt(cause: unknown): DatabankError {
  return new DatabankError("A stored session is damaged and counts as missing", {
    code: "DATABANK_CORRUPT_ENTRY",
    cause,
  });
}
