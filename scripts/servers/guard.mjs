import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * The guard is a process that outlives this one, however this one ends (ctrl-C, a crash, SIGKILL), and then ends the
 * servers that are still running and removes their folders. It hears of them, and of our end, through a pipe.
 */
let guard;

function tell(verb, ...words) {
  guard ??= startGuard();
  guard.stdin.write(`${JSON.stringify([verb, ...words])}\n`);
}

function startGuard() {
  const child = spawn(process.execPath, [join(import.meta.dirname, "guard-process.mjs")], {
    // In a session of its own: ctrl-C reaches everything else in the terminal.
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  // An error here means that there is no guard any more. Those who stop their servers need none.
  child.on("error", () => {});
  child.stdin.on("error", () => {});
  child.unref();
  child.stdin.unref?.();
  return child;
}

/** Makes sure that a process ends with this one, by the signal `politely` or, if that does not help, by SIGKILL. */
export function guardProcess(pid, politely) {
  tell("process", pid, politely);
}

/** A process has ended: its pid may belong to somebody else from here on. */
export function forgetProcess(pid) {
  tell("ended", pid);
}

/** Makes a folder that is gone when this process is. */
export async function temporaryFolder(name) {
  const folder = await mkdtemp(join(tmpdir(), `databank-${name}-`));
  tell("folder", folder);
  return folder;
}

/** Removes a folder of `temporaryFolder`. */
export async function removeFolder(folder) {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  tell("removed", folder);
}
