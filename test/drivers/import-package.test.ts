import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { importPackage } from "../../src/drivers/import-package.js";

const PEERS = join(__dirname, "../peers/node_modules");

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

describe("a client package that is missing", () => {
  it.each([
    ["redis", { url: "redis://h" }, 'npm install "redis@>=5"'],
    ["redis", { url: "redis://h", package: "ioredis" }, 'npm install "ioredis@>=5"'],
    ["redis", { url: "redis+cluster://h" }, 'npm install "redis@>=5"'],
    ["couchbase", { url: "couchbase://h/b" }, 'npm install "couchbase@^4"'],
  ])("of %s is named with the command that installs it (%o)", (name, options, command) => {
    const output = connectWith(packageAlone(), name, options);

    expect(output).toContain("DATABANK_DRIVER_NOT_INSTALLED");
    expect(output).toContain(command);
  });

  it("of redis is done without where there is ioredis", () => {
    const folder = packageAlone();
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(join(PEERS, "ioredis"), join(folder, "node_modules/ioredis"));

    const output = connectWith(folder, "redis", { url: "redis://127.0.0.1:1" });

    expect(output).toContain("ECONNREFUSED");
  });

  /** The package away from the folders in which Node would find clients. */
  function packageAlone(): string {
    const folder = mkdtempSync(join(tmpdir(), "import-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    cpSync(join(__dirname, "../../dist"), folder, { recursive: true });
    return folder;
  }

  /** What a driver of a package says when it cannot connect. */
  function connectWith(cwd: string, name: string, options: object): string {
    const code = `require("./drivers/${name}.js").${name}Driver(${JSON.stringify(options)}).connect({})
      .catch(({ code, message }) => console.log(code, message))`;
    return execFileSync(process.execPath, ["-e", code], { cwd, encoding: "utf8" });
  }
});
