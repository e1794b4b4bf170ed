// `npm start`: compiles the package, then runs the example shop on it.

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { build, ROOT } from "./run.mjs";

await build();

const shop = spawn(process.execPath, ["examples/shop/server.mjs", ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: "inherit",
});

// The shop decides how it ends. A terminal sends Ctrl-C to both processes, a supervisor to one.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => shop.kill(signal));

shop.on("close", (exitCode, signal) => {
  process.exit(exitCode ?? 128 + constants.signals[signal]);
});
