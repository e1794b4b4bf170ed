import { describe, expect, it, vi } from "vitest";
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
