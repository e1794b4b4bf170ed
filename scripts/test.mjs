// `npm test`: everything that has to hold, from installing what only tests use to the packed package.
//
// npm test                      all of it
// npm test -- --coverage        with the coverage of src
// npm test -- drivers/redis     the tests in matching files; further options go to Vitest as they are

import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { installPeers, NATIVE_PEERS, PEERS, RUNTIMES } from "./peers.mjs";
import { build, ROOT, runNpm, runPackage } from "./run.mjs";
import { Tally } from "./tally.mjs";

const args = process.argv.slice(2);
const filtered = args.some((argument) => argument !== "--coverage");
const inCi = Boolean(process.env.CI);

const interruption = new AbortController();
const { signal } = interruption;
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(name, () => interruption.abort(new Error(`Interrupted by ${name}`)));
}

const tally = new Tally();

/** Runs one step under a heading. A step that fails is counted, and the next ones still run. */
async function step(title, task) {
  if (signal.aborted) return;
  console.log(`\n== ${title} ==`);
  const start = performance.now();
  try {
    await task();
  } catch (error) {
    tally.fail(title, signal.aborted ? signal.reason : error);
  }
  console.log(`${title}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

const temporary = await mkdtemp(path.join(tmpdir(), "connect-databank-test-"));
let servers = { env: {}, skipped: [], stop: async () => {} };

// Compiling takes minutes where no binary fits, so the steps that can do without go first.
const needsNative = existsSync(path.join(ROOT, "test/drivers/sqlite.test.ts"));
const native = (needsNative ? installPeers(NATIVE_PEERS, { signal }) : Promise.resolve()).then(
  () => null,
  (error) => error,
);

try {
  // Before the peers: a fresh clone must compile without them.
  await step("Build", () => build({ signal }));
  await step("Install test peers", async () => {
    await installPeers(PEERS, { signal });
    if (!filtered) await installPeers(RUNTIMES, { signal });
  });
  if (!filtered) {
    await step("Lint", () => runPackage("@biomejs/biome/bin/biome", ["ci"], { signal }));
    await step("Type check", () => runPackage("typescript/bin/tsc", [], { signal }));
  }
  await step("Start servers", startServers);
  await step("Wait for native test peers", waitForNativePeers);
  await step("Tests", () => vitest("source", args));
  if (!filtered) await step("Package", checkPackage);
} finally {
  await servers.stop().catch((error) => tally.fail("Stop servers", error));
  await rm(temporary, { recursive: true, force: true });
}

console.log("\n== Summary ==");
tally.print();
process.exit(signal.aborted ? 130 : tally.failed > 0 ? 1 : 0);

async function startServers() {
  const entry = path.join(ROOT, "scripts/servers/index.mjs");
  if (!existsSync(entry)) return;
  const { servers: known, startServers } = await import(entry);
  servers = await startServers({ names: await neededServers(known), log: console.log });
  for (const { name, reason, allowed } of servers.skipped) {
    tally.skip(`${name}: ${reason}`);
    if (inCi && !allowed) tally.fail(`Server ${name}`, new Error(reason));
  }
}

/** The servers whose variable the drivers' tests name: others would be started for nobody. */
async function neededServers(known) {
  const folder = path.join(ROOT, "test/drivers");
  const files = (await readdir(folder)).filter((file) => file.endsWith(".ts"));
  const texts = await Promise.all(files.map((file) => readFile(path.join(folder, file), "utf8")));
  return known
    .filter(({ env }) => texts.some((text) => text.includes(`"${env}"`)))
    .map(({ name }) => name);
}

async function waitForNativePeers() {
  const error = await native;
  if (!error) return;
  if (inCi) throw error;
  tally.skip(`better-sqlite3 could not be installed: ${error.message}`);
}

async function vitest(project, options) {
  const file = path.join(temporary, `${project}.json`);
  const reporters = ["--reporter=default", "--reporter=./scripts/tally-reporter.mjs"];
  const projects = filtered ? [] : [`--project=${project}`];
  await tally.count(file, () =>
    runPackage("vitest/vitest.mjs", ["run", ...projects, ...reporters, ...options], {
      env: { ...servers.env, TALLY_FILE: file, ...(filtered ? {} : { WHOLE_SUITE: "1" }) },
      signal,
    }),
  );
}

async function checkPackage() {
  await runNpm(["pack", "--pack-destination", temporary], { quiet: true, signal });
  const packed = (await readdir(temporary)).find((name) => name.endsWith(".tgz"));
  const tarball = path.join(temporary, packed);
  process.env.PACKED_PACKAGE = tarball;
  await step("publint", () => runPackage("publint/src/cli.js", [tarball, "--strict"], { signal }));
  await step("Are the types wrong", () =>
    runPackage("@arethetypeswrong/cli/dist/index.js", [tarball, "--profile", "node16"], { signal }),
  );
  await step("Package tests", () => vitest("package", []));
}
