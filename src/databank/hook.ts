import type { Callback } from "./callback.js";

/** A hook that gets something, and may call back with, or resolve to, what to use in its place. */
export type HookWith<A> = (arg: A, callback: Callback<A>) => unknown;

/**
 * Runs a hook and waits for it.
 *
 * A hook that declares no callback has ended when it returns, or when the promise settles that
 * it returns. Any other has ended when it calls back.
 *
 * @returns What the hook gave, `undefined` where it gave nothing.
 */
export function runHook(
  hook: (...args: never[]) => unknown,
  self: unknown,
  args: readonly unknown[],
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const callback: Callback<unknown> = (error, result) => {
      if (error) reject(error);
      else resolve(result);
    };
    const returned: unknown = Reflect.apply(hook, self, [...args, callback]);
    if (isThenable(returned)) returned.then(resolve, reject);
    else if (hook.length <= args.length) resolve(returned);
  });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value;
}
