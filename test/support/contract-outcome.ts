import type { TestRunner } from "../../src/testing/index.js";

/**
 * Runs one test of a contract, and tells how it ended.
 *
 * @param register - Registers the contract's tests.
 * @param name - The test's name behind those of the groups it is in, such as `touch › does not create`.
 */
export async function outcomeOf(
  register: (runner: TestRunner) => void,
  name: string,
): Promise<"passed" | "failed"> {
  const path: string[] = [];
  let test: ((...context: unknown[]) => Promise<void>) | undefined;
  register({
    describe(title, body) {
      path.push(title);
      body();
      path.pop();
    },
    it(title, body) {
      if ([...path, title].join(" › ") === name) test = body;
    },
  });
  if (!test) throw new Error(`The contract has no test "${name}"`);
  let isSkipped = false;
  const context = { skip: () => (isSkipped = true) };
  const ended = await test(context).then(
    () => "passed" as const,
    () => "failed" as const,
  );
  if (isSkipped) throw new Error(`The contract skips "${name}" here`);
  return ended;
}
