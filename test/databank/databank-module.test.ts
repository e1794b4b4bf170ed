import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import * as ours from "../../src/databank-module.js";
import { Workshop } from "../support/workshop.js";

const old: unknown = createRequire(__filename)("databank");
const exportsOf = (module: unknown) => Object(module);

describe("the module that stands in for the old package", () => {
  it("exports what that did, and a way to use its databanks", () => {
    const names = Object.keys(exportsOf(old));

    expect(Object.keys(ours).sort()).toEqual([...names, "legacyDriver"].sort());
  });

  it("runs the old package's suite on its own databank, and leaves the old package as it was", () => {
    const suite = ours.DriverTest("memory", { schema: {} });

    expect(suite.run).toBeTypeOf("function");
    expect(createRequire(__filename)("databank")).toBe(old);
  });

  it("says how to install that suite where it is missing", () => {
    const workshop = new Workshop();
    try {
      const code = `
        try {
          require("connect-databank/databank").DriverTest("memory", {});
        } catch ({ code, message }) {
          console.log(code, message);
        }`;
      const printed = workshop.run([workshop.write("test.cjs", code)]);

      expect(printed).toContain("DATABANK_DRIVER_NOT_INSTALLED");
      expect(printed).toContain("npm install --save-dev databank-test");
    } finally {
      workshop.close();
    }
  });

  it("has the same statics, but for those that UPGRADING.md names", () => {
    const guide = readFileSync(join(__dirname, "../../UPGRADING.md"), "utf8");
    const missing = ["Databank", "DatabankObject"].flatMap((name) => {
      const [theirs, mine] = [old, ours].map((module) => exportsOf(module)[name]);
      const names = Object.keys(theirs).filter((key) => !(key in mine));
      return names.map((key) => `${name}.${key}`);
    });

    expect(missing.toSorted()).toEqual([
      "Databank.drivers",
      "Databank.localDriver",
      "DatabankObject.driver",
      "DatabankObject.params",
    ]);
    for (const name of missing) expect(guide).toContain(`\`${name}`);
  });

  it("has errors of the same names, kinds and fields", () => {
    for (const name of Object.keys(exportsOf(old)).filter((name) => name.endsWith("Error"))) {
      const [theirs, mine] = [old, ours].map((module) => {
        const ErrorClass = exportsOf(module)[name];
        return new ErrorClass("type", "id", "third");
      });
      expect(mine).toBeInstanceOf(Error);
      expect(mine).toBeInstanceOf(ours.DatabankError);
      expect(mine.name).toBe(theirs.name);
      for (const field of Object.keys(theirs).filter((field) => field !== "message")) {
        expect(mine[field]).toEqual(theirs[field]);
      }
    }
  });

  it("has every method that databanks had", () => {
    const bank = ours.Databank.get("memory", {});
    const theirs = exportsOf(old).Databank.get("memory", {});
    const internals = ["freeze", "melt"];
    const methods: string[] = [];
    for (const name in theirs) {
      if (typeof theirs[name] === "function" && !internals.includes(name)) methods.push(name);
    }

    expect(methods.length).toBeGreaterThan(25);
    for (const name of methods) expect(exportsOf(bank)[name], name).toBeTypeOf("function");
  });
});
