import { vi } from "vitest";

/** Far longer than anything takes: what is waited for comes, or something hangs. */
const LIMIT_MS = 20_000;

/** Resolves once `isTrue` has returned something truthy; rejects after 20 s. */
export function waitUntil<T>(isTrue: () => T | Promise<T>, interval = 50) {
  return vi.waitUntil(isTrue, { timeout: LIMIT_MS, interval });
}

/** Resolves to what `attempt` returns once it no longer throws; rejects with its last error after 20 s. */
export function waitFor<T>(attempt: () => T | Promise<T>, interval = 50): Promise<T> {
  return vi.waitFor(attempt, { timeout: LIMIT_MS, interval });
}
