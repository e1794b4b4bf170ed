import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { importPackage } from "../../src/drivers/import-package.js";

describe("importPackage", () => {
  it("gives the package's exports", async () => {
    const { default: vows } = await importPackage<{ default: object }>("test", "vows");

    expect(vows).toHaveProperty("describe");
  });

  it.each([
    [undefined, "npm install no-such-client"],
    ["8.0.0", "npm install no-such-client@8.0.0"],
    [">=8 <10", 'npm install "no-such-client@>=8 <10"'],
  ])("says how to install what is missing (%s)", async (range, command) => {
    await expect(importPackage("redis", "no-such-client", range)).rejects.toMatchObject({
      code: "DATABANK_DRIVER_NOT_INSTALLED",
      message: `The redis driver needs a package that is not installed: ${command}`,
      cause: { code: "ERR_MODULE_NOT_FOUND" },
    });
  });

  it("does not take a broken package for a missing one", async () => {
    const folder = mkdtempSync(join(tmpdir(), "import-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const broken = join(folder, "index.cjs");
    writeFileSync(broken, 'require("what-it-needs-itself");');

    await expect(importPackage("redis", broken)).rejects.toMatchObject({
      code: "DATABANK_DRIVER_FAILED",
      message: expect.stringContaining(", which the redis driver needs, cannot be loaded"),
    });
  });
});
