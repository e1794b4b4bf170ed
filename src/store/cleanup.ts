import type { Databank } from "../databank/databank.js";
import { newLife } from "../databank/version.js";

const LEASE_TYPE = "databank-lease";
// In the shape of a session, because that is where old databanks keep deadlines: a lease without one
// would stay for ever if its process died.
const LEASE_JSON = '{"cookie":{}}';

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
 * Runs `task` unless some process has done it less than `forMs` ago, which the databank remembers.
 *
 * @param task - Resolves to whether it is done.
 */
export async function unlessDone(
  bank: Databank,
  id: string,
  forMs: number,
  task: () => Promise<boolean>,
): Promise<void> {
  const { collector } = bank;
  if (await collector.read(LEASE_TYPE, { id })) return;
  if (!(await task())) return;
  const now = Date.now();
  const done = { id, json: LEASE_JSON, version: newLife(), createdAt: now };
  await collector.write(LEASE_TYPE, { ...done, expiresAt: now + forMs });
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
  const { collector } = bank;
  const version = newLife();
  const now = Date.now();
  const lease = { id, json: LEASE_JSON, version, createdAt: now, expiresAt: now + leaseMs };
  const result = await collector.write(LEASE_TYPE, { ...lease, if: "absent" });
  if (result !== "done") return false;
  const renewal = setInterval(() => void renew(), leaseMs / 3).unref();
  try {
    await task();
  } finally {
    clearInterval(renewal);
    await collector.del(LEASE_TYPE, { id, if: version });
  }
  return true;

  async function renew(): Promise<void> {
    try {
      await collector.touch(LEASE_TYPE, { id, expiresAt: Date.now() + leaseMs });
    } catch {
      // The task goes on. At worst another process begins it too, which is a waste and no harm.
    }
  }
}
