import { testAwkwardIds, testAwkwardTypes } from "./driver/awkward-ids.js";
import { testAwkwardValues } from "./driver/awkward-values.js";
import { testCapabilities } from "./driver/capabilities.js";
import { testConcurrency } from "./driver/concurrency.js";
import { testCountAndClear } from "./driver/count-and-clear.js";
import { testDel } from "./driver/del.js";
import { testDeleteExpired } from "./driver/delete-expired.js";
import { testExpiry } from "./driver/expiry.js";
import { testIsolation } from "./driver/isolation.js";
import { testLifeCycle } from "./driver/life-cycle.js";
import { testDeadlines } from "./driver/lifetimes.js";
import { testRead } from "./driver/read.js";
import { testScan } from "./driver/scan.js";
import { testSearch } from "./driver/search.js";
import { type DriverContractOptions, Suite } from "./driver/suite.js";
import { testTouch } from "./driver/touch.js";
import { testConditions, testWrite } from "./driver/write.js";
import type { TestRunner } from "./test-runner.js";

export type { DriverContractOptions } from "./driver/suite.js";

/**
 * Registers the tests that every driver must pass. They write to types of their own, with random
 * names, and leave the rest of the database alone.
 *
 * What applies is decided by the driver's `capabilities`, and they are tested too: what is
 * declared must be so, and what is not declared must not be there. Whether a write survives `kill
 * -9`, which is `durable`, takes a process of its own, and is left to you. The tests run for some
 * seconds at least, one for up to four, so mind the runner's time limit.
 *
 * @param runner - `describe` and `it` of your test runner.
 * @example
 * testDriver({ describe, it }, {
 *   async open(schema) {
 *     const driver = myDriver({ url });
 *     await driver.connect(schema);
 *     return driver;
 *   },
 * });
 */
export function testDriver(runner: TestRunner, options: DriverContractOptions): void {
  const suite = new Suite(runner, options);
  runner.describe("driver contract", () => {
    suite.section("capabilities", testCapabilities);
    suite.section("read", testRead);
    suite.section("write", testWrite);
    suite.section("conditional write", testConditions);
    suite.section("touch", testTouch);
    suite.section("del", testDel);
    suite.section("deadlines", testDeadlines);
    suite.section("expiry", testExpiry);
    suite.section("deleteExpired", testDeleteExpired);
    suite.section("scan", testScan);
    suite.section("count and clear", testCountAndClear);
    suite.section("search", testSearch);
    suite.section("awkward ids", testAwkwardIds);
    suite.section("awkward types", testAwkwardTypes);
    suite.section("awkward values", testAwkwardValues);
    suite.section("isolation", testIsolation);
    suite.section("concurrency", testConcurrency);
    suite.section("life cycle", testLifeCycle);
    runner.describe("the end", () => {
      runner.it("disconnects what the tests have shared", () => suite.close());
    });
  });
}
