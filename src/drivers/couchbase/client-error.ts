const UNANSWERED = new Set([
  "AmbiguousTimeoutError",
  "ClusterClosedError",
  "ConnectionClosedError",
  "RequestCanceledError",
  "TimeoutError",
  "UnambiguousTimeoutError",
]);

const REFUSED = new Set([
  "AuthenticationFailureError",
  "BucketNotFoundError",
  "CollectionNotFoundError",
  "ScopeNotFoundError",
  "ServiceNotAvailableError",
]);

const TEMPORARY = new Set(["CasMismatchError", "DocumentLockedError", "TemporaryFailureError"]);

/**
 * What the client calls an error. Not `instanceof`: a cluster that was passed in may come from
 * another copy of the package.
 */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}

/** Whether a document was not as the change supposed: there, gone, or changed by somebody else. */
export function isLostRace(error: unknown): boolean {
  const name = nameOf(error);
  return (
    name === "CasMismatchError" ||
    name === "DocumentExistsError" ||
    name === "DocumentNotFoundError"
  );
}

/** Whether nobody has answered, so that nothing is known. */
export function isUnanswered(error: unknown): boolean {
  return UNANSWERED.has(nameOf(error));
}

/** Whether the same would happen to every other call. */
export function isOutOfReach(error: unknown): boolean {
  return isUnanswered(error) || REFUSED.has(nameOf(error));
}

/** What to do after a call with this error. */
export function retryAfter(error: unknown): "whole" | "each" | "never" {
  if (isOutOfReach(error)) return "never";
  return TEMPORARY.has(nameOf(error)) ? "whole" : "each";
}

/** An error of the client without its context, which names keys, and values that were searched. */
export function discreet(error: unknown): unknown {
  if (!(error instanceof Error) || !("context" in error)) return error;
  error.context = undefined;
  error.cause = error.cause instanceof Error ? new Error(error.cause.message) : undefined;
  return error;
}
