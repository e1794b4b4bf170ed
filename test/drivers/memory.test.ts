import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { EntryPage } from "../../src/databank/driver.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { count } from "../../src/testing/driver/listing.js";
import { testDriver } from "../../src/testing/index.js";

testDriver(
  { describe, it },
  {
    async open(schema) {
      const driver = memoryDriver();
      await driver.connect(schema);
      return driver;
    },
  },
);

describe("maxEntries", () => {
  const entry = (id: string) => ({
    id,
    json: "1",
    version: `${id}.0`,
    createdAt: 1,
    expiresAt: null,
  });

  it("pushes out what was written or touched longest ago, in each type on its own", async () => {
    const driver = memoryDriver({ maxEntries: 2 });
    await driver.write("t", [entry("a"), entry("b")]);
    await driver.write("other", [entry("a")]);
    await driver.touch("t", [{ id: "a", expiresAt: null }]);
    await driver.write("t", [entry("c")]);

    expect(await count(driver, "t")).toBe(2);
    expect(await driver.read("t", [{ id: "a" }, { id: "b" }, { id: "c" }])).toMatchObject([
      { id: "a" },
      null,
      { id: "c" },
    ]);
    expect(await count(driver, "other")).toBe(1);
  });

  it("does not push anything out for an entry that is replaced", async () => {
    const driver = memoryDriver({ maxEntries: 2 });
    await driver.write("t", [entry("a"), entry("b")]);
    await driver.write("t", [entry("b")]);

    expect(await count(driver, "t")).toBe(2);
  });

  it("has pages of what was written or touched since the page before, and of the rest", async () => {
    const ids = ["a", "b", "c", "d", "e", "f", "g"];
    const steps = fc.record({
      verb: fc.constantFrom("write", "touch", "del", "scan"),
      id: fc.constantFrom(...ids),
      limit: fc.integer({ min: 1, max: 4 }),
    });
    const run = async (each: { verb: string; id: string; limit: number }[]) => {
      const driver = memoryDriver({ maxEntries: 5 });
      // The longest unchanged first, each with the number of its last change.
      let order: [id: string, change: number][] = [];
      let changes = 0;
      let seen = 0;
      let cursor: string | null = null;
      const move = (id: string) => {
        changes += 1;
        order = [
          ...order.filter(([other]) => other !== id),
          [id, changes] as [string, number],
        ].slice(-5);
      };
      // One that stays, and more moves than are kept.
      for (const id of ["g", ...Array.from({ length: 1500 }, (_, i) => ids[i % 3] ?? "a")]) {
        await driver.write("t", [entry(id)]);
        move(id);
      }
      for (const { verb, id, limit } of each) {
        const isThere = order.some(([other]) => other === id);
        if (verb === "write") await driver.write("t", [entry(id)]);
        if (verb === "touch") await driver.touch("t", [{ id, expiresAt: null }]);
        if (verb === "del") await driver.del("t", [{ id }]);
        if (verb === "write" || (verb === "touch" && isThere)) move(id);
        if (verb === "del") order = order.filter(([other]) => other !== id);
        if (verb !== "scan") continue;

        const page: EntryPage | undefined = await driver.scan?.("t", { limit, cursor });
        if (!page) throw new Error("The driver does not scan");

        const expected = order.filter(([, change]) => change > seen).slice(0, limit);
        expect(page.entries.map((found) => found.id)).toEqual(expected.map(([found]) => found));
        cursor = page.cursor;
        seen = cursor === null ? 0 : (expected.at(-1)?.[1] ?? seen);
      }
    };

    await fc.assert(fc.asyncProperty(fc.array(steps, { maxLength: 60 }), run), { numRuns: 50 });
  });

  it("is named when it is misspelt", () => {
    const misspelt: unknown = { maxEntires: 5 };

    expect(() => memoryDriver(misspelt as object)).toThrow(/did you mean maxEntries\?/);
  });

  it.each([0, -1, Number.NaN])("of %d is refused", (maxEntries) => {
    expect(() => memoryDriver({ maxEntries })).toThrow(/maxEntries/);
  });
});

describe("the end of an entry", () => {
  it("needs no timer of its own", async () => {
    const timers = vi.spyOn(globalThis, "setTimeout");
    const driver = memoryDriver();
    const expiresAt = Date.now() + 60_000;
    await driver.write("t", [{ id: "a", json: "1", version: "a.0", createdAt: 1, expiresAt }]);
    await driver.touch("t", [{ id: "a", expiresAt: expiresAt + 1 }]);

    expect(timers).not.toHaveBeenCalled();
    timers.mockRestore();
  });
});
