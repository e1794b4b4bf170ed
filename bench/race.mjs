import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

// The first turns compile, and fill caches.
const WARM_UP_TURNS = 2;

/**
 * How many times as often per second as its peer our store does something.
 *
 * Each store is in a process of its own, and they take short turns: what else the machine does
 * changes from one second to the next, and hits both.
 *
 * @param job - What `trial.mjs` needs to know.
 * @param turns - How many of each count.
 */
export async function race(job, turns) {
  return takeTurns({ ours: await start(job, "ours"), peer: await start(job, "peer") }, turns);
}

/** The same of two processes that are there already, and are stopped. */
export async function takeTurns(runners, turns) {
  const ratios = [];
  const rates = [];
  for (let turn = -WARM_UP_TURNS; turn < turns; turn += 1) {
    const results = {};
    // Each is first as often as the other.
    for (const which of turn % 2 === 0 ? ["ours", "peer"] : ["peer", "ours"]) {
      results[which] = await runners[which].turn();
    }
    if (turn < 0) continue;
    ratios.push(results.ours / results.peer);
    rates.push(results.ours);
  }
  for (const { stop } of Object.values(runners)) await stop();
  return { ratio: median(ratios), rate: median(rates) };
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
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
