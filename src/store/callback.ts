/** A Node-style callback: `(null, result)` or `(error)`. */
export type Callback<T = void> = (error: Error | null, result?: T) => void;

/** The first function among the arguments: hosts put the callback in different places. */
export function callbackIn<T>(args: readonly unknown[]): Callback<T> | undefined {
  const callback: unknown = args.find((arg) => typeof arg === "function");
  return callback as Callback<T> | undefined;
}

/**
 * Hands a promise to a callback, if there is one.
 *
 * The callback is called exactly once, later, and outside the promise chain, so that an exception
 * in it surfaces as the application's own instead of coming back as a second call. A promise
 * beside a callback never rejects: nobody would be there to catch it.
 */
export function report<T>(
  promise: Promise<T>,
  callback: Callback<T> | undefined,
): Promise<T | undefined> {
  if (!callback) return promise;
  return promise.then(
    (result) => {
      process.nextTick(callback, null, result);
      return result;
    },
    (error: unknown) => {
      process.nextTick(callback, error);
      return undefined;
    },
  );
}
