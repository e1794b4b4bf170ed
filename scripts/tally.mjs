import { readFile } from "node:fs/promises";
import path from "node:path";
import { ROOT } from "./run.mjs";

const REASON = /\(skipped: (.*)\)$/;

/** Counts what passed, failed and was skipped, over Vitest's tests and all the other steps. */
export class Tally {
  passed = 0;
  failed = 0;
  skipped = 0;
  /** What failed besides tests, and why. */
  #failures = [];
  /** Why something did not run, and how many tests each reason cost. */
  #reasons = new Map();

  /** Counts a step that failed. */
  fail(title, error) {
    this.failed += 1;
    this.#failures.push(`${title}: ${error.message}`);
    console.error(`${title} failed: ${error.message}`);
  }

  /** Notes something that cannot run, which is not a test itself. */
  skip(reason) {
    this.#reasons.set(reason, this.#reasons.get(reason) ?? 0);
    console.log(`Skipped: ${reason}`);
  }

  /**
   * Runs Vitest and counts its tests.
   *
   * @param {string} resultsFile - Where Vitest's JSON reporter writes.
   * @param {() => Promise<void>} runVitest
   */
  async count(resultsFile, runVitest) {
    const failedBefore = this.failed;
    const error = await runVitest().then(
      () => null,
      (reason) => reason,
    );
    const { testResults } = JSON.parse(
      await readFile(resultsFile, "utf8").catch(() => '{"testResults":[]}'),
    );
    for (const file of testResults) this.#countFile(file);
    // Unhandled errors and empty runs fail Vitest, but no test.
    if (error && this.failed === failedBefore) throw error;
  }

  #countFile({ name, status, message, assertionResults }) {
    const file = path.relative(ROOT, name);
    for (const test of assertionResults) {
      if (test.status === "passed") this.passed += 1;
      else if (test.status === "failed") this.failed += 1;
      else this.#countSkipped(file, test.fullName);
    }
    const explained = assertionResults.some((test) => test.status === "failed");
    if (status === "failed" && !explained) this.fail(file, new Error(message));
  }

  #countSkipped(file, fullName) {
    this.skipped += 1;
    const reason = REASON.exec(fullName)?.[1] ?? `no reason given: ${fullName}`;
    const line = `${file}: ${reason}`;
    this.#reasons.set(line, (this.#reasons.get(line) ?? 0) + 1);
  }

  /** Prints what did not run and what failed, and ends with the line of counts. */
  print() {
    for (const [reason, tests] of this.#reasons) {
      console.log(`Skipped: ${reason}${tests > 1 ? ` (${tests} tests)` : ""}`);
    }
    for (const failure of this.#failures) console.log(`Failed: ${failure}`);
    console.log(`tests: ${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`);
  }
}
