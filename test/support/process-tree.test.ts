import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { endTree } from "../../scripts/servers/process-tree.mjs";

const LIMIT_MS = 20_000;

function start(program: string) {
  return spawn(
    process.execPath,
    ["-e", `${program}; setInterval(() => {}, 1_000); console.log()`],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
}

it("asks a process again that did not end when it was first asked", async () => {
  const child = start(`let asked = 0;
    process.on("SIGTERM", () => {
      asked += 1;
      if (asked === 2) process.exit(7);
    })`);
  await once(child.stdout, "data");
  const exited = once(child, "exit");

  await endTree(Number(child.pid), "SIGTERM", LIMIT_MS);

  expect(await exited).toEqual([7, null]);
});

it("kills a process that does not listen", async () => {
  const child = start(`process.on("SIGTERM", () => {})`);
  await once(child.stdout, "data");
  const exited = once(child, "exit");

  await endTree(Number(child.pid), "SIGTERM", 100);

  expect(await exited).toEqual([null, "SIGKILL"]);
});
