import assert from "node:assert/strict";
import type { Driver, Write, WriteResult } from "../../databank/driver.js";
import { assertAbsent, assertStored } from "./assertions.js";
import { entry } from "./entries.js";
import type { Suite } from "./suite.js";

// More would test the patience of a server's network limits rather than the declaration.
const LARGEST_TRIED_BYTES = 20_000_000;

export function testCapabilities(suite: Suite): void {
  suite.test("are declared in the words of the contract", async ({ driver }) => {
    const { capabilities } = driver;
    const words: Record<keyof typeof capabilities, readonly unknown[]> = {
      conditionalWrites: ["atomic", "best-effort"],
      clock: ["database", "process"],
      expiryGranularityMs: [1, 1000],
      nativeExpiry: [true, false],
      touch: ["in-place", "rewrite"],
      scan: [true, false],
      search: [true, false],
      durable: [true, false],
      shared: [true, false],
      maxValueBytes: [capabilities.maxValueBytes],
    };

    assert.ok(typeof driver.name === "string" && driver.name !== "", "the driver has a name");
    assert.deepEqual(Object.keys(capabilities).sort(), Object.keys(words).sort());
    for (const [name, value] of Object.entries(capabilities)) {
      assert.ok(
        Object.entries(words).some(([word, values]) => word === name && values.includes(value)),
        name,
      );
    }
    const { maxValueBytes } = capabilities;
    assert.ok(maxValueBytes === null || (Number.isInteger(maxValueBytes) && maxValueBytes > 0));
  });

  suite.test("have their methods, and undeclared ones have none", async ({ driver }) => {
    const { scan, search, nativeExpiry } = driver.capabilities;
    const expected = { scan, count: scan, clear: scan, search, deleteExpired: !nativeExpiry };

    for (const name of ["scan", "count", "clear", "search", "deleteExpired"] as const) {
      assert.equal(typeof driver[name], expected[name] ? "function" : "undefined", name);
    }
  });

  suite.test("name a way of calling that the databank knows", async ({ driver }) => {
    const { immediate = [], maxBatch = 1, maxInFlight = 1 } = driver.calling ?? {};

    for (const method of immediate) assert.ok(["read", "write", "touch", "del"].includes(method));
    assert.ok(Number.isInteger(maxBatch) && maxBatch >= 1, "maxBatch");
    assert.ok(Number.isInteger(maxInFlight) && maxInFlight >= 1, "maxInFlight");
  });

  suite.test("say of any error what to do after it", async ({ driver }) => {
    for (const error of [new Error("any"), "text", 7, null, undefined, {}]) {
      const word = driver.retry?.(error) ?? "each";
      assert.ok(["whole", "each", "never"].includes(word));
    }
  });

  suite.test(
    "hold a value as large as declared, and refuse a larger one alone",
    async ({ driver, type }) => {
      const size = driver.capabilities.maxValueBytes ?? 0;
      const id = (name: string) => name.padEnd(255, "x");
      const fitting = entry(id("fits"), { json: JSON.stringify("x".repeat(size - 2)) });
      const large = entry(id("large"), { json: JSON.stringify("x".repeat(size - 1)) });
      const small = entry(id("small"), { json: "1" });

      assert.deepEqual(await writeAlone(driver, type, [fitting]), ["done"]);
      await assertStored(driver, type, fitting);
      const results = await writeAlone(driver, type, [large, small]);

      assert.ok(results[0] instanceof Error, "the larger value is an Error");
      assert.equal(results[1], "done");
      await assertAbsent(driver, type, large.id);
      await assertStored(driver, type, small);
    },
    ({ capabilities: { maxValueBytes } }) =>
      maxValueBytes !== null && maxValueBytes <= LARGEST_TRIED_BYTES,
  );
}

/** Writes as the databank does: after a rejection that one member may have caused, one by one. */
async function writeAlone(
  driver: Driver,
  type: string,
  writes: readonly Write[],
): Promise<readonly WriteResult[]> {
  try {
    return await driver.write(type, writes);
  } catch (error) {
    assert.ok(error instanceof Error, "a rejection is an Error");
    assert.equal(driver.retry?.(error) ?? "each", "each", "what to do after a value too large");
    if (writes.length === 1) return [error];
    const results = writes.map((each) => writeAlone(driver, type, [each]));
    return (await Promise.all(results)).flat();
  }
}
