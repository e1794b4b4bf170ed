import type { Write } from "../../src/databank/driver.js";
import { newLife, nextVersion } from "../../src/databank/version.js";

export const HOUR_MS = 3_600_000;

/** An entry as it is written for the first time, for an hour. */
export function entry(id: string, more: Partial<Write> = {}): Write {
  const createdAt = Date.now();
  const expiresAt = createdAt + HOUR_MS;
  return { id, json: "{}", version: newLife(), createdAt, expiresAt, ...more };
}

/** What changes an entry if nobody else has. */
export function change(before: Write, more: Partial<Write> = {}): Write {
  return { ...before, version: nextVersion(before.version), if: before.version, ...more };
}
