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
  const last = createdAt + absoluteTimeoutMs;
  return expiresAt === null ? last : Math.min(expiresAt, last);
}
