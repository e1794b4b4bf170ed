import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isoText } from "../../src/store/iso-text.js";

const LATEST_DATE_MS = 8_640_000_000_000_000;

describe("the text of a moment", () => {
  it("is that of a Date", () => {
    const anywhere = fc.integer({ min: -LATEST_DATE_MS, max: LATEST_DATE_MS });
    const nearby = fc.integer({ min: 1_700_000_000_000, max: 1_700_300_000_000 });
    const fractions = fc.double({ min: -1e12, max: 1e12, noNaN: true });
    fc.assert(
      fc.property(fc.oneof(anywhere, nearby, fractions), (ms) => {
        expect(isoText(ms)).toBe(new Date(ms).toISOString());
      }),
      { numRuns: 2000 },
    );
    for (const ms of [0, -1, LATEST_DATE_MS, -LATEST_DATE_MS, 253_402_300_800_000]) {
      expect(isoText(ms)).toBe(new Date(ms).toISOString());
    }
  });
});
