import { isLogger } from "./log.js";
import type { DatabankStoreOptions } from "./options.js";

/**
 * Tells `(bank, options)` from version 1's `(bank, log, cleanupMs)`.
 *
 * @returns Options, to be checked, and whether they came the old way: without an object of options.
 */
export function optionsFrom(args: readonly unknown[]): {
  options: DatabankStoreOptions;
  isPositional: boolean;
} {
  const [first, cleanupMs] = args;
  const isLog = first === null || first === undefined || isLogger(first);
  if (!isLog && cleanupMs === undefined) return checkedLater(first, false);
  // What is no logger must not be dropped silently: it may be options, with a number too many.
  const log = first ? { log: first } : {};
  // Version 1 left it to timers to make a number of it, so the text of one would do.
  const cleanupIntervalMs = cleanupMs ? Math.round(Number(cleanupMs)) : 0;
  return checkedLater({ ...log, cleanupIntervalMs }, true);
}

function checkedLater(options: unknown, isPositional: boolean) {
  return { options: options as DatabankStoreOptions, isPositional };
}
