import { expect, it } from "vitest";
import { checkRuntime } from "../../src/databank/runtime.js";

it("refuses a Node that lacks what the package needs, and says which will do", () => {
  expect(() => checkRuntime({}, "v18.20.8")).toThrow(
    "connect-databank needs Node 20.19 or newer, and this is v18.20.8",
  );
});

it("takes the one that runs these tests", () => {
  expect(() => checkRuntime()).not.toThrow();
});
