import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "vitest";

const TESTS = 220;

/**
 * Runs the npm package databank-test, as it is, on a driver of the built package: twice, because
 * what the first run leaves behind must not be in the way of the second.
 *
 * @param driver - A name for `Databank.get`.
 * @param params - Its parameters; they go to another process as JSON.
 * @param setUp - A module to load there first.
 */
export function expectDatabankTest(driver: string, params: object, setUp?: string): void {
  const script = join(__dirname, "databank-test.cjs");
  for (let run = 1; run <= 2; run += 1) {
    const args = [script, driver, JSON.stringify(params), ...(setUp ? [setUp] : [])];
    const results = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
    expect(results.failures).toEqual([]);
    expect(results).toMatchObject({ honored: TESTS, total: TESTS });
  }
}
