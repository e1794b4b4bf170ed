import assert from "node:assert/strict";
import type { Driver } from "../../databank/driver.js";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;

/** How far a deadline may drift on its way to a database with its own clock and back. */
const DRIFT_MS = 1000;

export function granularityMs(driver: Driver): number {
  return driver.capabilities.expiryGranularityMs;
}

export function inAnHour(): number {
  return Date.now() + HOUR_MS;
}

/** Asserts that a deadline came back as it was given, rounded up as far as the driver declares. */
export function assertDeadline(driver: Driver, actual: number | null, given: number | null): void {
  if (actual === null || given === null) {
    assert.equal(actual, given, "the deadline");
    return;
  }
  assert.equal(typeof actual, "number", "the deadline is a number");
  const drift = driver.capabilities.clock === "database" ? DRIFT_MS : 0;
  const early = given - drift;
  const late = given + granularityMs(driver) - 1 + drift;
  assert.ok(
    actual >= early && actual <= late,
    `the deadline is ${actual - given} ms from the one that was given`,
  );
}

/**
 * Runs `body` while this process believes that it is another time. Only what a driver with the
 * clock `process` does can be tested so.
 */
export async function atOffset<T>(offsetMs: number, body: () => Promise<T>): Promise<T> {
  const { now } = Date;
  Date.now = () => now() + offsetMs;
  try {
    return await body();
  } finally {
    Date.now = now;
  }
}
