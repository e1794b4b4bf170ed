import type { Cache } from "./cache.js";
import { Flights } from "./flights.js";

// Two databanks of a process may well be on one store, by names that do not show it. So each
// change is everybody's: a cache that has the same id from another store only asks once more.

/** The caches of all connected drivers. */
export const caches = new Set<Cache>();

/** The calls under way of all drivers. */
export const flights = new Flights();

/** Keeps nothing of an entry, but what may stay in one cache. */
export function forget(key: string, except?: Cache): void {
  for (const cache of caches) if (cache !== except) cache.delete(key);
}

/** Keeps nothing in some caches from before the end of a task. */
export async function forgetting<R>(some: Iterable<Cache>, task: () => Promise<R>): Promise<R> {
  flights.beginAll();
  for (const cache of some) cache.clear();
  try {
    return await task();
  } finally {
    flights.endAll();
  }
}
