import type { Answer } from "./answer.js";

/**
 * A Node-style callback: `(null, result)` or `(error)`. Where a method has no result, the
 * callback gets `null` alone.
 */
export type Callback<T = void> = (error: Error | null, result?: T) => void;

/** The end of a list of arguments: options that may be left out, then a callback. */
export type WithCallback<O, T> =
  | readonly [callback: Callback<T>]
  | readonly [options: O | null | undefined, callback: Callback<T>];

/** The same end when it was called for a promise, or by a program that no compiler has checked. */
export type Rest<O, T> = readonly (O | Callback<T> | null | undefined)[];

/** The first function among the arguments: programs leave out what stands before the callback. */
export function callbackIn<T>(args: readonly unknown[]): Callback<T> | undefined {
  const callback: unknown = args.find((arg) => typeof arg === "function");
  return callback as Callback<T> | undefined;
}

/** The first argument, unless it is missing or already the callback. */
export function optionsIn<O>(args: Rest<O, never>): O | undefined {
  const [first] = args;
  return typeof first === "function" ? undefined : (first ?? undefined);
}

/**
 * Hands an answer to a callback, if there is one.
 *
 * The callback is called exactly once, later, and outside the promise chain, so that an exception
 * in it surfaces as the application's own instead of coming back as a second call. The promise
 * beside a callback never rejects: nobody would be there to catch it.
 */
export function report<T>(
  answer: Answer<T>,
  callback: Callback<T> | undefined,
): Promise<T | undefined> {
  if (!(answer instanceof Promise)) {
    if (callback) tell(callback, answer);
    return Promise.resolve(answer);
  }
  if (!callback) return answer;
  return answer.then(
    (result) => {
      tell(callback, result);
      return result;
    },
    (error: unknown) => {
      // What a program has thrown may be nothing, and would look like success.
      process.nextTick(callback, error || new Error(`Failed with ${String(error)}`));
      return undefined;
    },
  );
}

function tell<T>(callback: Callback<T>, result: T): void {
  if (result === undefined) process.nextTick(callback, null);
  else process.nextTick(callback, null, result);
}
