import type { DeletedPage, Driver } from "../../src/databank/driver.js";

/** Has a driver delete what has expired, in as many steps as it takes, and returns how many that were. */
export async function cleanUp(driver: Driver, type = "session"): Promise<number> {
  let deleted = 0;
  let cursor: string | null = null;
  do {
    const step: DeletedPage | undefined = await driver.deleteExpired?.(type, {
      limit: 100,
      cursor,
    });
    deleted += step?.deleted ?? 0;
    cursor = step?.cursor ?? null;
  } while (cursor !== null);
  return deleted;
}
