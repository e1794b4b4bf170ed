import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";

const ASK_AGAIN_MS = 500;

/** Whether a process is there and has not ended (one that only waits to be collected has). */
export async function isAlive(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
  try {
    return !/^State:\s+[ZX]/m.test(await readFile(`/proc/${pid}/status`, "utf8"));
  } catch {
    // No /proc (macOS), or it has ended since.
    return process.platform !== "linux";
  }
}

/** Resolves to a process and all that it has started, itself first. */
export async function processTree(pid) {
  const children = new Map();
  for (const [child, parent] of await allProcesses()) {
    children.set(parent, [...(children.get(parent) ?? []), child]);
  }
  const tree = [pid];
  for (const member of tree) tree.push(...(children.get(member) ?? []));
  return tree;
}

async function allProcesses() {
  return process.platform === "linux" ? fromProc() : fromPs();
}

async function fromProc() {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const pairs = await Promise.all(
    pids.map(async (pid) => {
      try {
        // The command's name, in parentheses, may hold spaces and parentheses: the parent is the second word after it.
        const stat = await readFile(`/proc/${pid}/stat`, "utf8");
        return [Number(pid), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])];
      } catch {
        return null;
      }
    }),
  );
  return pairs.filter((pair) => pair !== null);
}

async function fromPs() {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid="]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
}

/** Sends a signal to a process; one that is gone already is no error. */
export function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** Sends a signal to a process and to all that it has started. */
export async function signalTree(pid, name) {
  for (const member of await processTree(pid)) signal(member, name);
}

/** Stops a process and all that it has started, and waits until each of their threads stands still. */
export async function pauseTree(pid) {
  await signalTree(pid, "SIGSTOP");
  if (process.platform !== "linux") return;
  for (const member of await processTree(pid)) {
    // The signal is noted at once; a thread that is running stops a little later.
    while (await isMoving(member)) await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function isMoving(pid) {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const states = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/status`, "utf8").catch(() => "")),
  );
  return states.some((status) => /^State:\s+[RSD]/m.test(status));
}

/** Resolves, once all of `pids` have ended, to true, or to false after `limitMs`. */
export async function ended(pids, limitMs) {
  const deadline = Date.now() + limitMs;
  for (const pid of pids) {
    while (await isAlive(pid)) {
      if (Date.now() > deadline) return false;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  return true;
}

/** Ends a process and all that it has started: by `politely`, and by SIGKILL what is there after `limitMs`. */
export async function endTree(pid, politely, limitMs) {
  const deadline = Date.now() + limitMs;
  const tree = await processTree(pid);
  // A process that was paused gets no other signal.
  for (const member of tree) signal(member, "SIGCONT");
  while (Date.now() < deadline) {
    // A replica of Redis that is writing its first append-only file refuses to end, and forgets that it was asked.
    signal(pid, politely);
    if (await ended(tree, ASK_AGAIN_MS)) return;
  }
  for (const member of new Set([...tree, ...(await processTree(pid))])) signal(member, "SIGKILL");
  await ended(tree, limitMs);
}
