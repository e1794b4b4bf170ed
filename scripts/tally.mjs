import { readFile } from "node:fs/promises";

/** Where a test's name tells why it is skipped. */
const REASON = /\(skipped: (.*)\)$|needs a server: (.*)$/;

/** Counts what passed, failed and was skipped, over Vitest's tests and all the other steps. */
export class Tally {
  passed = 0;
  failed = 0;
  skipped = 0;
  /** What failed besides tests, and why. */
  #failures = [];
  /** Why something did not run, and how many tests that cost. */
  #reasons = new Map();

  /** Counts a step that failed. */
  fail(title, error) {
    this.failed += 1;
    this.#failures.push(`${title}: ${error.message}`);
    console.error(`${title} failed: ${error.message}`);
  }

  /** Notes something that cannot run, which is not a test itself. */
  skip(reason) {
    this.#reasons.set(reason, 0);
    console.log(`Skipped: ${reason}`);
  }

  /**
   * Runs Vitest and counts its tests.
   *
   * @param {string} file - Where `tally-reporter.mjs` writes.
   * @param {() => Promise<void>} runVitest
   */
  async count(file, runVitest) {
    const error = await runVitest().then(
      () => null,
      (reason) => reason,
    );
    const text = await readFile(file, "utf8").catch(() => null);
    if (text === null) throw error ?? new Error("Vitest ran no tests");
    const { passed, failed, skipped, errors } = JSON.parse(text);
    this.passed += passed;
    this.failed += failed;
    for (const test of skipped) this.#countSkipped(test);
    for (const message of errors) this.fail("Tests", new Error(message));
    // A threshold of the coverage, for one, fails Vitest but no test.
    if (error && failed === 0 && errors.length === 0) throw error;
  }

  #countSkipped({ file, name, note }) {
    this.skipped += 1;
    const [, own, server] = REASON.exec(name) ?? [];
    const reason = `${file}: ${note ?? own ?? server ?? `no reason given for "${name}"`}`;
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
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
