// Installs what only tests and benchmarks use, so that `npm ci` in the root stays small.
//
// Each folder has a package.json and a lock file of its own. Its direct dependencies are linked
// into the root's node_modules, where `import("pg")` in src, dist and test finds them.

import { createHash } from "node:crypto";
import { lstat, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT, runNpm } from "./run.mjs";

/** Database clients and packages to be compatible with. */
export const PEERS = "test/peers";
/** Peers that compile while they are installed, where no binary fits. */
export const NATIVE_PEERS = "test/peers-native";
/** The versions of Node that the package is tested on. */
export const RUNTIMES = "test/runtimes";
/** Other stores, and what measures them. */
export const BENCH_PEERS = "bench/peers";

/**
 * Installs a folder's packages, unless they are there already, and links them.
 *
 * @param {string} folder - One of the constants above.
 * @param {{ signal?: AbortSignal }} [options]
 */
export async function installPeers(folder, { signal } = {}) {
  const cwd = path.join(ROOT, folder);
  const stampFile = path.join(cwd, "node_modules", ".installed");
  const stamp = await stampOf(cwd);
  if ((await readFile(stampFile, "utf8").catch(() => "")) !== stamp) {
    await runNpm(["ci", "--no-fund", "--no-audit"], { cwd, quiet: true, signal });
    await writeFile(stampFile, stamp);
  }
  if (folder !== RUNTIMES) await linkPeers(cwd);
}

/** Changes when the lock file does, and when binaries for this Node no longer fit. */
async function stampOf(cwd) {
  const lock = await readFile(path.join(cwd, "package-lock.json"));
  const machine = `${process.platform}-${process.arch}-${process.versions.modules}`;
  return createHash("sha256").update(lock).update(machine).digest("hex");
}

async function linkPeers(cwd) {
  const { dependencies } = JSON.parse(await readFile(path.join(cwd, "package.json"), "utf8"));
  for (const name of Object.keys(dependencies)) {
    const link = path.join(ROOT, "node_modules", name);
    const found = await lstat(link).catch(() => null);
    if (found && !found.isSymbolicLink()) continue;
    await mkdir(path.dirname(link), { recursive: true });
    await rm(link, { force: true });
    await symlink(path.relative(path.dirname(link), path.join(cwd, "node_modules", name)), link);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const folders = process.argv.length > 2 ? process.argv.slice(2) : [PEERS, NATIVE_PEERS, RUNTIMES];
  for (const folder of folders) {
    console.log(`Installing ${folder}`);
    await installPeers(folder);
  }
}
