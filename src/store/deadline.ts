// The end of the year 9999: beyond it, databases disagree about what a date is.
const LATEST_MS = 253_402_300_799_999;

/** A moment that every database can hold: hosts reckon in fractions, and options may be endless. */
export function wholeMoment(ms: number): number {
  return Math.max(0, Math.min(Math.round(ms), LATEST_MS));
}

/**
 * A deadline no later than a session of this age may have. One whose age nobody knows, because an
 * old databank keeps none, has `createdAt` 0 and no such limit.
 */
export function capped(
  expiresAt: number | null,
  createdAt: number,
  absoluteTimeoutMs: number,
): number | null {
  if (absoluteTimeoutMs === Number.POSITIVE_INFINITY || createdAt === 0) return expiresAt;
  const last = wholeMoment(createdAt + absoluteTimeoutMs);
  return expiresAt === null ? last : Math.min(expiresAt, last);
}
