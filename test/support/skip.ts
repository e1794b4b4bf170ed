import { it } from "vitest";

/**
 * Registers a test that does not run, with the reason in its name: `npm test` ends with a list
 * of these reasons.
 */
export function skip(subject: string, reason: string): void {
  it.skip(`${subject} (skipped: ${reason})`, () => {});
}
