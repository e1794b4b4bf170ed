import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const RUNTIMES = join(__dirname, "../runtimes/node_modules");
const SCRIPT = join(__dirname, "sqlite-contract.mjs");

describe.each(["node-22", "node-24", "node-26"])("the SQLite of %s", (name) => {
  const node = join(RUNTIMES, name, "bin/node");
  const missing = existsSync(node) ? "" : ` (skipped: there is no ${name} for this machine)`;

  it.skipIf(missing)(
    `keeps the contract of drivers${missing}`,
    async () => {
      const args = ["--no-warnings", "--test-reporter=tap", SCRIPT];
      const run = await promisify(execFile)(node, args, { maxBuffer: 100_000_000 }).catch(
        (error: { readonly stdout: string }) => error,
      );

      const failures = run.stdout.split("\n").filter((line) => /^ *not ok /.test(line));
      expect(failures).toEqual([]);
      expect(run.stdout).toMatch(/^# pass [1-9]\d\d/m);
      expect(run.stdout).toMatch(/^# fail 0$/m);
    },
    120_000,
  );
});
