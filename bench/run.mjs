// npm run bench [-- suite …] [--op get] [--turns 9] [--cpu] [--where] [--http]: our stores beside the ones that a user would
// otherwise choose, in one run, because machines are noisy and only ratios last.
import { readdirSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { BENCH_PEERS, installPeers, NATIVE_PEERS, PEERS } from "../scripts/peers.mjs";
import { build } from "../scripts/run.mjs";
import { startApplication } from "./http.mjs";
import { compared, race, takeTurns } from "./race.mjs";

const SUITES = readdirSync(new URL("./suites/", import.meta.url)).map((file) => file.slice(0, -4));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    op: { type: "string", multiple: true },
    turns: { type: "string", default: "9" },
    cpu: { type: "boolean", default: false },
    where: { type: "boolean", default: false },
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

/** Prints a table of how many times as fast as its peer our store is, and another of where the time goes. */
async function compare(name, suite, context) {
  const measured = [];
  console.log(`## ${name}: ours beside ${suite.peerName}${values.cpu ? ", processor time" : ""}\n`);
  console.log(`| operation | ${suite.inFlight.map((n) => `${n} in flight`).join(" | ")} |`);
  console.log(`| --- |${" ---: |".repeat(suite.inFlight.length)}`);
  for (const op of values.op ?? suite.ops) {
    const cells = [];
    for (const inFlight of suite.inFlight) {
      const turns = await race({ suite: name, op, inFlight, context }, Number(values.turns));
      measured.push({ op, inFlight, turns });
      const { ratio, rate } = compared(turns, rateOf);
      cells.push(`**${show(ratio)}×** (${perSecond(rate)})`);
    }
    console.log(`| ${op} | ${cells.join(" | ")} |`);
  }
  console.log();
  if (values.where) takeApart(suite.peerName, measured);
}

/** Calls per second: of the wall's, or of those in which the process had a processor. */
function rateOf({ count, ms, processorMs }) {
  return (count / (values.cpu ? processorMs : ms)) * 1000;
}

/** Prints a table of where the time of a call goes: in our process, and in the database's server. */
function takeApart(peerName, measured) {
  console.log(`Microseconds of a call, ours / ${peerName}:\n`);
  console.log("| operation | in flight | from call to call | the process | the server |");
  console.log("| --- | ---: | ---: | ---: | ---: |");
  for (const { op, inFlight, turns } of measured) {
    const cells = ["ms", "processorMs", "serverMs"].map((part) =>
      ["ours", "peer"]
        .map((which) =>
          perCall(
            turns.map((turn) => turn[which]),
            part,
          ).toFixed(1),
        )
        .join(" / "),
    );
    console.log(`| ${op} | ${inFlight} | ${cells.join(" | ")} |`);
  }
  console.log();
}

function perCall(turns, part) {
  const sum = (name) => turns.reduce((total, turn) => total + turn[name], 0);
  return (sum(part) / sum("count")) * 1000;
}

/** Prints how an application with our store compares to one whose store does nothing. */
async function compareOverHttp(name, context) {
  const ours = await startApplication(name, context);
  const peer = await startApplication(null, context);
  const turns = await takeTurns({ ours, peer }, Number(values.turns));
  const { ratio, rate } = compared(turns, (perSecond) => perSecond);
  console.log(`## ${name}: requests over HTTP beside a store that does nothing\n`);
  console.log(`**${show(ratio)}×** (${perSecond(rate)})\n`);
}
