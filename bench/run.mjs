// npm run bench [-- suite …] [--op get] [--rounds 5] [--cpu] [--http]: our stores beside the ones that a user would
// otherwise choose, in one run, because machines are noisy and only ratios last.
import { fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { BENCH_PEERS, installPeers, NATIVE_PEERS, PEERS } from "../scripts/peers.mjs";
import { build } from "../scripts/run.mjs";
import { requestsPerSecond } from "./http.mjs";

const SUITES = readdirSync(new URL("./suites/", import.meta.url)).map((file) => file.slice(0, -4));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    op: { type: "string", multiple: true },
    rounds: { type: "string", default: "5" },
    cpu: { type: "boolean", default: false },
    http: { type: "boolean", default: false },
  },
});
const unknown = positionals.find((name) => !SUITES.includes(name));
if (unknown) {
  console.error(`There is no suite ${unknown}; there are ${SUITES.join(", ")}`);
  process.exit(2);
}

await build();
for (const folder of [PEERS, NATIVE_PEERS, BENCH_PEERS]) await installPeers(folder);

const show = (ratio) => ratio.toFixed(ratio < 10 ? 2 : 0);
const perSecond = (rates) => `${Math.round(median(rates)).toLocaleString("en")}/s`;

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0].model.trim()}\n`);
for (const name of positionals.length > 0 ? positionals : SUITES) {
  const suite = await import(`./suites/${name}.mjs`);
  const context = await suite.start?.();
  try {
    if (values.http) await compareOverHttp(name, context);
    else await compare(name, suite, context);
  } finally {
    await suite.stop?.(context);
  }
}

/** Prints a table of how many times faster than its peer our store is. */
async function compare(name, suite, context) {
  console.log(`## ${name}: ours beside ${suite.peerName}${values.cpu ? ", processor time" : ""}\n`);
  console.log(`| operation | ${suite.inFlight.map((n) => `${n} in flight`).join(" | ")} |`);
  console.log(`| --- |${" ---: |".repeat(suite.inFlight.length)}`);
  for (const op of values.op ?? suite.ops) {
    const ratios = suite.inFlight.map(() => []);
    const rates = suite.inFlight.map(() => []);
    for (let round = 0; round < Number(values.rounds); round += 1) {
      // Taking turns, each first as often as the other.
      const order = round % 2 === 0 ? ["ours", "peer"] : ["peer", "ours"];
      const results = {};
      for (const which of order) results[which] = await trial(name, which, op, context);
      for (const [i] of suite.inFlight.entries()) {
        ratios[i].push(results.ours[i] / results.peer[i]);
        rates[i].push(results.ours[i]);
      }
    }
    const cells = ratios.map((each, i) => `**${show(median(each))}×** (${perSecond(rates[i])})`);
    console.log(`| ${op} | ${cells.join(" | ")} |`);
  }
  console.log();
}

/** Prints how an application with our store compares to one whose store does nothing. */
async function compareOverHttp(name, context) {
  const ratios = [];
  const rates = [];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const order = round % 2 === 0 ? [name, null] : [null, name];
    const results = new Map();
    for (const which of order) results.set(which, await requestsPerSecond(which, context));
    ratios.push(results.get(name) / results.get(null));
    rates.push(results.get(name));
  }
  console.log(`## ${name}: requests over HTTP beside a store that does nothing\n`);
  console.log(`**${show(median(ratios))}×** (${perSecond(rates)})\n`);
}

/** Runs one operation on one store in a process of its own: nothing is inherited. */
async function trial(suite, which, op, context) {
  const script = fileURLToPath(new URL("./trial.mjs", import.meta.url));
  const child = fork(script, [JSON.stringify({ suite, which, op, cpu: values.cpu, context })]);
  const answer = once(child, "message");
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${suite} ${which} ${op} ended with ${code}`);
  return (await answer)[0];
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
