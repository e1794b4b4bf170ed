import { expect, it } from "vitest";
import { countBySteps } from "../../src/drivers/count-by-steps.js";

it("adds up what each step finds, and lets others have their turn in between", async () => {
  const pages: unknown[] = [];
  let turns = 0;
  const others = setInterval(() => {
    turns += 1;
  }, 0);
  const turnsAt: number[] = [];

  const count = await countBySteps(2, (page) => {
    pages.push(page);
    turnsAt.push(turns);
    // As long as it takes for the others to be due.
    for (const end = performance.now() + 2; performance.now() < end; );
    return { live: pages.length, cursor: pages.length < 3 ? `${pages.length}` : null };
  });
  clearInterval(others);

  expect(count).toBe(6);
  expect(pages).toEqual([
    { limit: 2, cursor: null },
    { limit: 2, cursor: "1" },
    { limit: 2, cursor: "2" },
  ]);
  expect(turnsAt[2]).toBeGreaterThan(0);
});
