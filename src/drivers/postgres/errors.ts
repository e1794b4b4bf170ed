// Transactions that ended without an effect, or whose connection ended: another one may do.
// A write that was carried out before its connection ended recognises itself.
const RETRY_WHOLE = new Set([
  "40001", // serialization_failure
  "40003", // statement_completion_unknown
  "40P01", // deadlock_detected
  "55P03", // lock_not_available
  "57P01", // admin_shutdown
  "ECONNRESET",
  "EPIPE",
]);

const OUT_OF_REACH = new Set([
  "25006", // read_only_sql_transaction: the server has become a standby
  "57014", // query_canceled, by statement_timeout
  "57P02", // crash_shutdown
  "57P03", // cannot_connect_now
]);

// What the package pg says itself has no code.
const ENDED = /^(Connection terminated unexpectedly|Client has encountered a connection error)/;
const UNREACHABLE =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Cannot use a pool after)/;

/** What to do after a call that failed with `error`, as the driver contract has it. */
export function retry(error: unknown): "whole" | "each" | "never" {
  const code = codeOf(error);
  if (code === undefined) {
    const message = error instanceof Error ? error.message : "";
    if (ENDED.test(message)) return "whole";
    return UNREACHABLE.test(message) ? "never" : "each";
  }
  if (RETRY_WHOLE.has(code)) return "whole";
  // Classes 08 and 53 are connection exceptions and insufficient resources; what begins with E
  // comes from the operating system.
  return OUT_OF_REACH.has(code) || /^(08|53|E[A-Z])/.test(code) ? "never" : "each";
}

/** The code of an error of the server, or of the operating system. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  // Of a host with several addresses, each of which has failed.
  return error instanceof AggregateError ? codeOf(error.errors[0]) : undefined;
}
