import type { Databank } from "../databank/databank.js";
import { newLife } from "../databank/version.js";

const LEASE_TYPE = "databank-lease";

/**
 * Runs `task` over and over until stopped, never twice at once.
 *
 * The timer does not keep the process alive. The first run waits like every other, so that
 * a fleet restarting together does not delete together.
 *
 * @param task - Handles its own errors; it must not reject.
 * @param intervalMs - Mean pause between runs; each pause is 50 to 150 % of it.
 * @returns A function that stops the loop and resolves once a run in progress has ended.
 */
export function repeat(task: () => Promise<void>, intervalMs: number): () => Promise<void> {
  let running = Promise.resolve();
  let timer = schedule();
  let isStopped = false;

  function schedule(): NodeJS.Timeout {
    const delayMs = Math.min(intervalMs * (0.5 + Math.random()), 2 ** 31 - 1);
    return setTimeout(run, delayMs).unref();
  }

  function run(): void {
    running = task().finally(() => {
      if (!isStopped) timer = schedule();
    });
  }

  return () => {
    isStopped = true;
    clearTimeout(timer);
    return running;
  };
}

/**
 * Runs `task` unless another process is running it, which the databank itself remembers.
 *
 * @param leaseMs - How long a process that died with the task half done keeps others from it.
 * @returns Whether the task was run here.
 */
export async function underLease(
  bank: Databank,
  id: string,
  leaseMs: number,
  task: () => Promise<void>,
): Promise<boolean> {
  const version = newLife();
  const now = Date.now();
  const lease = { id, json: "true", version, createdAt: now, expiresAt: now + leaseMs };
  const result = await bank.collector.write(LEASE_TYPE, { ...lease, if: "absent" });
  if (result !== "done") return false;
  try {
    await task();
  } finally {
    await bank.collector.del(LEASE_TYPE, { id, if: version });
  }
  return true;
}
