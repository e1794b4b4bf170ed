import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { processTree } from "../scripts/servers/process-tree.mjs";

// The first turns fill caches.
const WARM_UP_TURNS = 2;

// Linux counts in hundredths of a second.
const TICK_MS = 10;

/**
 * Measures an operation of our store and of its peer.
 *
 * Each store is in a process of its own, and they take short turns: what else the machine does
 * changes from one second to the next, and hits both.
 *
 * @param job - What `trial.mjs` needs to know.
 * @param turns - How many of each count.
 * @returns For each turn what `measure` gave of `ours` and of `peer`, and `serverMs`, for how many
 *   milliseconds of processors the database's server worked at it.
 */
export async function race(job, turns) {
  const runners = { ours: await start(job, "ours"), peer: await start(job, "peer") };
  const own = [process.pid, runners.ours.pid, runners.peer.pid];
  return takeTurns(runners, turns, async (turn) => {
    const before = await processorTicks(own);
    const measured = await turn();
    // Some servers have a process for each connection, which comes and goes.
    let ticks = 0;
    for (const [pid, after] of await processorTicks(own)) ticks += after - (before.get(pid) ?? 0);
    return { ...measured, serverMs: ticks * TICK_MS };
  });
}

/** Has two processes that are there already take turns, and stops them. */
export async function takeTurns(runners, turns, watch = (turn) => turn()) {
  const all = [];
  for (let turn = -WARM_UP_TURNS; turn < turns; turn += 1) {
    const results = {};
    // Each is first as often as the other.
    for (const which of turn % 2 === 0 ? ["ours", "peer"] : ["peer", "ours"]) {
      results[which] = await watch(runners[which].turn);
    }
    if (turn >= 0) all.push(results);
  }
  for (const { stop } of Object.values(runners)) await stop();
  return all;
}

/** How many times as fast as its peer our store was, and how fast that is. */
export function compared(turns, rateOf) {
  const rates = turns.map(({ ours, peer }) => ({ ours: rateOf(ours), peer: rateOf(peer) }));
  return {
    ratio: median(rates.map(({ ours, peer }) => ours / peer)),
    rate: median(rates.map(({ ours }) => ours)),
  };
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** How long each process that we have started, but for `others`, has had a processor. */
async function processorTicks(others) {
  const ticks = new Map();
  for (const pid of await processTree(process.pid)) {
    if (others.includes(pid)) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      // The command's name, in parentheses, may hold anything. In its own code, and in the kernel.
      const words = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      ticks.set(pid, Number(words[11]) + Number(words[12]));
    } catch {
      // It has ended, or this is not Linux.
    }
  }
  return ticks;
}

async function start(job, which) {
  const script = fileURLToPath(new URL("./trial.mjs", import.meta.url));
  const child = fork(script, [JSON.stringify({ ...job, which })]);
  const ended = once(child, "exit").then(([code]) => {
    if (code !== 0) throw new Error(`${job.suite} ${which} ${job.op} ended with ${code}`);
  });
  const answer = () => Promise.race([once(child, "message"), ended]);
  await answer();
  return {
    pid: child.pid,
    async turn() {
      child.send("turn");
      return (await answer())[0];
    },
    async stop() {
      child.send("stop");
      await ended;
    },
  };
}
