import { isLogger } from "./log.js";
import type { DatabankStoreOptions } from "./options.js";

/**
 * Tells `(bank, options)` from version 1's `(bank, log, cleanupMs)`.
 *
 * @returns Options, and whether they came the old way: without an object of options.
 */
export function optionsFrom(args: readonly unknown[]): {
  options: DatabankStoreOptions;
  isPositional: boolean;
} {
  const [first, cleanupMs] = args;
  const isPositional = args.length > 1 || first === null || first === undefined || isLogger(first);
  if (!isPositional) {
    const options: unknown = first;
    return { options: options as DatabankStoreOptions, isPositional };
  }
  const log = isLogger(first) ? { log: first } : {};
  const cleanupIntervalMs = typeof cleanupMs === "number" && cleanupMs > 0 ? cleanupMs : 0;
  return { options: { ...log, cleanupIntervalMs }, isPositional };
}
