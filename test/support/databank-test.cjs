// Runs the npm package databank-test, unchanged, on a driver of ours: node databank-test.cjs
// <driver> <params as JSON> [module to load first]. Prints what it counted as JSON.
const path = require("node:path");
const { Databank, DriverTest } = require("../../dist/databank-module.js");

const [driver, params = "{}", setUp] = process.argv.slice(2);
if (setUp) require(path.resolve(setUp));

const failures = [];
const reporter = {
  name: "failures",
  report([kind, vow]) {
    if (kind === "vow" && vow.status !== "honored") failures.push(describe(vow));
    if (kind === "error") failures.push(describe(vow));
  },
  print() {},
};

function describe({ context, title, exception, error }) {
  return `${context ?? ""} ${title ?? ""}: ${JSON.stringify(exception ?? String(error))}`;
}

// The types whose entries the suite makes and never deletes. It cannot pass on them twice, on any
// database that keeps what it is given; everything else of an earlier run stays.
const LEFT_BEHIND = ["neighbors", "combo", "headphones", "messages", "coffees-drunk"];

async function clearLeftBehind() {
  const bank = Databank.get(driver, JSON.parse(params));
  await bank.connect();
  for (const type of LEFT_BEHIND) await bank.clear(type);
  await bank.disconnect();
}

void clearLeftBehind().then(() => {
  DriverTest(driver, JSON.parse(params)).run({ reporter }, (results) => {
    console.log(JSON.stringify({ ...results, failures }));
    // The suite does not wait for the deletions of its teardowns, so the process ends by itself.
    setTimeout(() => process.exit(), 10_000).unref();
  });
});
