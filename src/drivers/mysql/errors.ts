// The server's numbers, which are the same in MySQL and MariaDB. A deadlock, a lock that was waited
// for in vain, and a row that has changed since the transaction began.
const LOST_RACE = new Set([1213, 1205, 1020]);
// Shutting down, killed, interrupted, idle for too long.
const LOST_CONNECTION = new Set<unknown>([1053, 1927, 1317, 4031]);
const LOST_CODES = new Set<unknown>(["PROTOCOL_CONNECTION_LOST", "ECONNRESET", "EPIPE"]);
const READ_ONLY = new Set([1290, 1792, 1836]);
const OUT_OF_REACH = new Set([
  ...READ_ONLY,
  // Too many connections, of all or of one account; a statement that took too long.
  ...[1040, 1203, 1226, 1969, 3024],
  // No access, an unknown database.
  ...[1044, 1045, 1049, 1698],
]);

// Errors of the client that have no code.
const CLOSED = /closed state/i;
const UNAVAILABLE = /pool is closed|no connections available|queue limit/i;

/** What to do after a call with this error; see `retry` of the driver contract. */
export function retry(error: unknown): "whole" | "each" | "never" {
  const errno = errorNumber(error);
  if (errno !== undefined && LOST_RACE.has(errno)) return "whole";
  // Another connection may be there, and repeating does no harm: a write knows its own version.
  if (LOST_CONNECTION.has(errno) || isLost(error)) return "whole";
  return isOutOfReach(error) ? "never" : "each";
}

function isLost(error: unknown): boolean {
  return LOST_CODES.has(propertyOf(error, "code")) || CLOSED.test(messageOf(error));
}

/** Whether the server writes no more, as the old one does after a failover. */
export function isReadOnly(error: unknown): boolean {
  return READ_ONLY.has(errorNumber(error) ?? 0);
}

/** Whether a client stopped waiting, and nobody knows what its connection still does. */
export function isTimeout(error: unknown): boolean {
  return propertyOf(error, "code") === "PROTOCOL_SEQUENCE_TIMEOUT";
}

/** The server's number of an error, or `undefined` where it is none of the server's. */
export function errorNumber(error: unknown): number | undefined {
  const errno = propertyOf(error, "errno");
  return typeof errno === "number" ? errno : undefined;
}

function isOutOfReach(error: unknown): boolean {
  const errno = errorNumber(error);
  if (errno !== undefined && errno > 0) return OUT_OF_REACH.has(errno);
  // Errors of the system have negative numbers; those of the client mostly have a code.
  if (errno !== undefined || propertyOf(error, "fatal") === true) return true;
  return (
    isTimeout(error) ||
    propertyOf(error, "syscall") !== undefined ||
    UNAVAILABLE.test(messageOf(error))
  );
}

function messageOf(error: unknown): string {
  const message = propertyOf(error, "message");
  return typeof message === "string" ? message : "";
}

function propertyOf(value: unknown, name: string): unknown {
  return Object(value)[name];
}
