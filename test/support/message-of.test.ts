import { fork } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { messageOf } from "./message-of.js";

const dir = mkdtempSync(join(tmpdir(), "message-of-"));
afterAll(() => rmSync(dir, { recursive: true }));

function forked(name: string, code: string) {
  const file = join(dir, name);
  writeFileSync(file, code);
  return fork(file);
}

describe("a process that a test waits for", () => {
  it("tells one thing after another", async () => {
    const child = forked(
      "talks.cjs",
      `process.send("one"); setTimeout(() => process.send("two"), 50);`,
    );

    expect(await messageOf(child)).toBe("one");
    expect(await messageOf(child)).toBe("two");
  });

  it("is an error when it ends before it has told anything", async () => {
    const child = forked("dies.cjs", "process.exit(3);");

    await expect(messageOf(child)).rejects.toThrow("ended with 3");
  });
});
