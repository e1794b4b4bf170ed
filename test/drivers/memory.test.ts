import { describe, expect, it } from "vitest";
import { memoryDriver } from "../../src/drivers/memory.js";
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

    expect(await driver.count?.("t")).toBe(2);
    expect(await driver.read("t", [{ id: "a" }, { id: "b" }, { id: "c" }])).toMatchObject([
      { id: "a" },
      null,
      { id: "c" },
    ]);
    expect(await driver.count?.("other")).toBe(1);
  });

  it("does not push anything out for an entry that is replaced", async () => {
    const driver = memoryDriver({ maxEntries: 2 });
    await driver.write("t", [entry("a"), entry("b")]);
    await driver.write("t", [entry("b")]);

    expect(await driver.count?.("t")).toBe(2);
  });

  it.each([0, -1, Number.NaN])("of %d is refused", (maxEntries) => {
    expect(() => memoryDriver({ maxEntries })).toThrow(/maxEntries/);
  });
});
