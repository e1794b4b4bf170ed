import { describe, it, TestRunner } from "vitest";
import {
  type OwnServerOf,
  type OwnServerOptions,
  type ServerName,
  SKIPPED,
  startOwnServer,
  Unavailable,
} from "../../scripts/servers/index.mjs";

/** Whether a missing server is a failure: in continuous integration nothing is skipped. */
function isComplete(): boolean {
  return !["", "0", "false"].includes(process.env.CI ?? "");
}

function reasonFor(variable: string): string {
  const reasons: unknown = JSON.parse(process.env[SKIPPED] ?? "{}");
  const reason: unknown = Object(reasons)[variable];
  return typeof reason === "string" ? reason : "it is not set";
}

/**
 * Registers tests of a server that an environment variable names. Where it does not, one test says so: skipped with the
 * reason, or failed in continuous integration (`CI`).
 */
export function describeServer(variable: string, register: (url: string) => void): void {
  describe(variable, () => {
    const url = process.env[variable];
    if (url) {
      register(url);
      return;
    }
    const title = `needs a server: ${reasonFor(variable)}`;
    if (!isComplete()) it.skip(title, () => {});
    else {
      it(title, () => {
        throw new Error(`${variable} is missing: ${reasonFor(variable)}`);
      });
    }
  });
}

/**
 * Starts a server that belongs to the calling test alone, which closes it at the end. It writes to disk before it answers
 * unless `durable` is false. Where the machine cannot have it, the test is skipped with the reason, or fails in continuous
 * integration (`CI`).
 */
export async function ownServer<Name extends ServerName>(
  name: Name,
  options: OwnServerOptions = {},
): Promise<OwnServerOf<Name>> {
  try {
    return await startOwnServer(name, options);
  } catch (error) {
    if (error instanceof Unavailable && !isComplete()) {
      TestRunner.getCurrentTest()?.context.skip(`No ${name}: ${error.message}`);
    }
    throw error;
  }
}
