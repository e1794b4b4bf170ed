import { writeFileSync } from "node:fs";

/**
 * A Vitest reporter that writes what `tally.mjs` counts, to the file named by TALLY_FILE. Vitest's
 * own JSON leaves out why a test was skipped.
 */
export default class TallyReporter {
  onTestRunEnd(files, unhandledErrors) {
    const tests = files.flatMap((file) => [...file.children.allTests()]);
    const inState = (state) => tests.filter((test) => test.result().state === state);
    const result = {
      passed: inState("passed").length,
      failed: inState("failed").length,
      skipped: inState("skipped").map((test) => ({
        file: test.module.relativeModuleId,
        name: test.fullName,
        note: test.result().note,
      })),
      // Files that could not be loaded, hooks that failed: nothing that a test would show.
      errors: [
        ...files.flatMap((file) => suitesOf(file).flatMap((suite) => suite.errors())),
        ...unhandledErrors,
      ].map((error) => error.message),
    };
    writeFileSync(process.env.TALLY_FILE, JSON.stringify(result));
  }
}

function suitesOf(file) {
  return [file, ...file.children.allSuites()];
}
