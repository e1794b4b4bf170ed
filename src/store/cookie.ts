import { wholeMoment } from "./deadline.js";

// What says when a cookie ends moves with each request.
const MOVING: ReadonlySet<string> = new Set(["expires", "maxAge", "originalMaxAge"]);

/** What a session's cookie says in JSON. Other fields are carried along. */
export interface CookieJson {
  readonly originalMaxAge?: unknown;
  readonly expires?: unknown;
  readonly maxAge?: unknown;
  readonly [field: string]: unknown;
}

// The setter of `maxAge` goes through a date and back, and loses the milliseconds in between.
const MAX_AGE_DRIFT_MS = 50;

/** The fields of a live cookie as they are now. */
export function fieldsOfCookie(cookie: unknown): CookieJson {
  if (typeof cookie !== "object" || cookie === null) return {};
  const { toJSON } = cookie as { toJSON?: unknown };
  const fields: unknown = typeof toJSON === "function" ? toJSON.call(cookie) : cookie;
  return { ...(fields as CookieJson) };
}

/** Whether the lifetime that a cookie gives its session was changed. */
export function isLifetimeChanged(before: CookieJson, after: CookieJson): boolean {
  const a = numberOrNull(before.originalMaxAge);
  const b = numberOrNull(after.originalMaxAge);
  if (a === null || b === null) return a !== b;
  return Math.abs(a - b) > MAX_AGE_DRIFT_MS;
}

/** The fields that were changed, other than the moment of expiry, which moves by itself. */
export function changedCookieFields(before: CookieJson, after: CookieJson): string[] {
  const changed: string[] = [];
  for (const name in after) {
    if (before[name] === after[name] || MOVING.has(name)) continue;
    if (JSON.stringify(before[name]) !== JSON.stringify(after[name])) changed.push(name);
  }
  for (const name in before) {
    if (!(name in after) && !MOVING.has(name) && before[name] !== undefined) changed.push(name);
  }
  if (isLifetimeChanged(before, after)) changed.push("originalMaxAge");
  return changed;
}

/** Whether a cookie has a lifetime; without one the browser drops it when it closes. */
export function hasLifetime(cookie: CookieJson): boolean {
  return (
    numberOrNull(cookie.originalMaxAge) !== null ||
    numberOrNull(cookie.maxAge) !== null ||
    momentOf(cookie.expires) !== null
  );
}

/**
 * When a session ends, in epoch milliseconds, by what its cookie says.
 *
 * @param ttlMs - For a cookie that says nothing; without it such a session never ends.
 * @returns `null` for never.
 */
export function deadlineOf(
  cookie: CookieJson,
  ttlMs: number | undefined,
  now: number,
): number | null {
  const lifetime = numberOrNull(cookie.maxAge) ?? numberOrNull(cookie.originalMaxAge) ?? ttlMs;
  const moment = momentOf(cookie.expires) ?? (lifetime === undefined ? null : now + lifetime);
  return moment === null ? null : wholeMoment(moment);
}

/** A moment given as Date, ISO text or epoch milliseconds; `null` for anything else. */
export function momentOf(expires: unknown): number | null {
  if (expires instanceof Date) return numberOrNull(expires.getTime());
  if (typeof expires === "string") return numberOrNull(Date.parse(expires));
  return numberOrNull(expires);
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
