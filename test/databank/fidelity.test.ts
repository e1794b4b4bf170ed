import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import { diskDriver } from "../../src/drivers/disk.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { expectFidelity } from "../support/fidelity.js";

const FULL_RUN_MS = 600_000;

describe("values and ids", () => {
  it("come back as they were from memory", { timeout: FULL_RUN_MS }, async () => {
    await expectFidelity(() => new Databank(memoryDriver()), {
      runs: process.env.FULL ? 10_000 : 1000,
    });
  });

  it("come back as they were from disk", { timeout: FULL_RUN_MS }, async () => {
    const dir = mkdtempSync(join(tmpdir(), "fidelity-"));
    try {
      await expectFidelity(() => new Databank(diskDriver({ dir, durable: false })));
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
