import { setImmediate as nextTurn } from "node:timers/promises";
import type { Page } from "../databank/driver.js";

/** What one step of a count has found, and where the next one begins. */
export interface Counted {
  readonly live: number;
  readonly cursor: string | null;
}

/** Counts a few entries at a time where that keeps the process from all else, with turns between. */
export async function countBySteps(
  limit: number,
  step: (page: Page) => Counted | Promise<Counted>,
): Promise<number> {
  let count = 0;
  let cursor: string | null = null;
  do {
    const { live, cursor: next }: Counted = await step({ limit, cursor });
    count += live;
    cursor = next;
    if (cursor !== null) await nextTurn();
  } while (cursor !== null);
  return count;
}
