import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, it } from "vitest";
import { diskDriver } from "../../src/drivers/disk.js";
import { testDriver } from "../../src/testing/index.js";
import { testPromises } from "../support/promises.js";

const dir = mkdtempSync(join(tmpdir(), "disk-test-"));
afterAll(() => rmSync(dir, { recursive: true }));

testDriver(
  { describe, it },
  {
    async open(schema) {
      const driver = diskDriver({ dir });
      await driver.connect(schema);
      return driver;
    },
  },
);

const url = `disk:${dir}/sessions`;
testPromises("disk", { bank: () => url, url: () => url });
