// npm run bench [-- suite …] [--op get] [--turns 9] [--cpu] [--http]: our stores beside the ones that a user would
// otherwise choose, in one run, because machines are noisy and only ratios last.
import { readdirSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { BENCH_PEERS, installPeers, NATIVE_PEERS, PEERS } from "../scripts/peers.mjs";
import { build } from "../scripts/run.mjs";
import { startApplication } from "./http.mjs";
import { race, takeTurns } from "./race.mjs";

const SUITES = readdirSync(new URL("./suites/", import.meta.url)).map((file) => file.slice(0, -4));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    op: { type: "string", multiple: true },
    turns: { type: "string", default: "9" },
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
const perSecond = (rate) => `${Math.round(rate).toLocaleString("en")}/s`;

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
    const cells = [];
    for (const inFlight of suite.inFlight) {
      const job = { suite: name, op, inFlight, cpu: values.cpu, context };
      const { ratio, rate } = await race(job, Number(values.turns));
      cells.push(`**${show(ratio)}×** (${perSecond(rate)})`);
    }
    console.log(`| ${op} | ${cells.join(" | ")} |`);
  }
  console.log();
}

/** Prints how an application with our store compares to one whose store does nothing. */
async function compareOverHttp(name, context) {
  const ours = await startApplication(name, context);
  const peer = await startApplication(null, context);
  const { ratio, rate } = await takeTurns({ ours, peer }, Number(values.turns));
  console.log(`## ${name}: requests over HTTP beside a store that does nothing\n`);
  console.log(`**${show(ratio)}×** (${perSecond(rate)})\n`);
}
