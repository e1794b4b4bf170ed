import { spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { forgetProcess, guardProcess } from "./guard.mjs";
import {
  ended,
  endTree,
  isAlive,
  pauseTree,
  processTree,
  signal,
  signalTree,
} from "./process-tree.mjs";
import { tellingLine } from "./run-tool.mjs";

const POLL_MS = 25;
/** Ends what hangs. A server that starts while the machine is busy may take half a minute. */
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 15_000;

/** A server ended, or did not answer in time, while it was starting. */
export class StartError extends Error {
  name = "StartError";

  constructor(message, log) {
    super(message);
    /** Whether somebody else took the port between its choice and its use. */
    this.portTaken = /address already in use|EADDRINUSE|BindException|port.* in use/i.test(log);
  }
}

/**
 * One server process, which may be started again on the same port and data.
 * - `command()`: `{ file, args, env?, uid?, gid?, cwd? }`
 * - `isReady({ pid, log })`: resolves to whether *this* process answers, given what it has logged since its start;
 *   rejections count as "not yet"
 * - `stopSignal`: what asks it to end in order
 */
export class ServerProcess {
  #options;
  #child = null;
  #exited = null;

  constructor({ name, logFile, command, isReady, stopSignal = "SIGTERM" }) {
    this.#options = { name, logFile, command, isReady, stopSignal };
  }

  /** The pid of the running process, or null. */
  get pid() {
    return this.#child?.pid ?? null;
  }

  /** Starts the process and resolves when it answers. Does nothing where it is running. */
  async start() {
    if (this.#child) return;
    const { logFile, command } = this.#options;
    const log = await open(logFile, "a");
    const { size } = await log.stat();
    try {
      const { file, args, env, ...rest } = await command();
      this.#spawn(file, args, {
        ...rest,
        env: { ...process.env, ...env },
        stdio: ["ignore", log.fd, log.fd],
      });
    } finally {
      await log.close();
    }
    await this.#untilReady(async () => (await readFile(logFile)).subarray(size).toString("utf8"));
  }

  #spawn(file, args, options) {
    // A process group of its own: ctrl-C in a terminal is for the caller, who then stops it.
    const child = spawn(file, args, { ...options, detached: true });
    const pid = child.pid;
    if (pid !== undefined) guardProcess(pid, this.#options.stopSignal);
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      const end = (why) => {
        if (pid !== undefined) forgetProcess(pid);
        if (this.#child === child) this.#child = null;
        resolve(why);
      };
      child.once("exit", (code, name) => end(`ended with ${name ?? code}`));
      child.once("error", (error) => end(`cannot be run: ${error.message}`));
    });
    child.unref();
  }

  async #untilReady(readLog) {
    const { name, isReady } = this.#options;
    const child = this.#child;
    const deadline = Date.now() + START_LIMIT_MS;
    while (this.#child === child && child) {
      if (child.pid !== undefined && (await answers(isReady, child.pid, readLog))) return;
      if (Date.now() > deadline) {
        await this.kill();
        throw await startError(`${name} gave no answer within ${START_LIMIT_MS / 1000} s`, readLog);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    throw await startError(`${name} ${await this.#exited}`, readLog);
  }

  /** Asks the process to end in order, and resolves when it has. What does not end in 15 s is killed. */
  async stop() {
    await this.#end((pid) => endTree(pid, this.#options.stopSignal, STOP_LIMIT_MS));
  }

  /** Ends the process, and all that it started, at once: kill -9. */
  async kill() {
    await this.#end(async (pid) => {
      const tree = await processTree(pid);
      for (const member of tree) signal(member, "SIGKILL");
      await ended(tree, STOP_LIMIT_MS);
    });
  }

  async #end(how) {
    const exited = this.#exited;
    const pid = this.pid;
    if (pid === null) return;
    // While its end is awaited it must keep this process going.
    this.#child.ref();
    await how(pid);
    if (await isAlive(pid))
      throw new Error(`${this.#options.name} (process ${pid}) cannot be ended`);
    await exited;
  }

  /** Stops the process in its tracks: connections stay open, and nothing answers until `resume()`. */
  async pause() {
    if (this.pid !== null) await pauseTree(this.pid);
  }

  /** Lets a paused process go on. */
  async resume() {
    if (this.pid !== null) await signalTree(this.pid, "SIGCONT");
  }
}

async function answers(isReady, pid, readLog) {
  try {
    return await isReady({ pid, log: await readLog() });
  } catch {
    return false;
  }
}

async function startError(message, readLog) {
  const log = await readLog();
  const line = tellingLine(log);
  return new StartError(line === "" ? message : `${message}: ${line}`, log);
}
