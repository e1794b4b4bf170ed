import { describe, it } from "vitest";
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
