import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import { expectDatabankTest } from "../support/databank-test.js";

describe("the suite databank-test", () => {
  it("passes on memory", () => {
    expectDatabankTest("memory", { schema: {} });
  });

  it("passes on disk, also on what a run has left behind", () => {
    const dir = mkdtempSync(join(tmpdir(), "databank-test-"));
    try {
      expectDatabankTest("disk", { dir, schema: {} });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it("passes on a driver class of the first generation", () => {
    expectDatabankTest("old-memory", {}, join(__dirname, "../support/old-memory-driver.cjs"));
  });
});
