/**
 * The functions of a test runner: those of Vitest, Jest, Mocha or `node:test` will do. Tests run
 * one after another.
 */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: (...context: unknown[]) => Promise<void>) => unknown;
}
