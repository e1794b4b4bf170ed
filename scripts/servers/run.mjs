// node scripts/servers/run.mjs [names…] [-- command…]
// Starts the named servers (all by default), prints their variables, and stops them when the command ends or at ctrl-C.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { parseArgs } from "node:util";
import { servers, startServers } from "./index.mjs";

const USAGE = `Usage: node scripts/servers/run.mjs [--durable] [names…] [-- command…]

Starts servers for the tests, on free ports and in temporary folders: all of them, or those named.
Runs the command with their URLs in its environment; without one, prints the URLs and waits for ctrl-C.

  --durable   write to disk before answering, as in production
  --help      print this

Servers: ${servers.map(({ name, env }) => `${name} (${env})`).join(", ")}`;

const separator = process.argv.indexOf("--");
const [before, command] =
  separator === -1
    ? [process.argv.slice(2), []]
    : [process.argv.slice(2, separator), process.argv.slice(separator + 1)];

function readArguments() {
  const { values, positionals } = parseArgs({
    args: before,
    allowPositionals: true,
    options: { durable: { type: "boolean" }, help: { type: "boolean" } },
  });
  const unknown = positionals.find((name) => !servers.some((server) => server.name === name));
  if (unknown !== undefined) throw new Error(`There is no server ${unknown}`);
  return { ...values, names: positionals.length > 0 ? positionals : undefined };
}

/** Resolves to an exit code when the command ends, or when this process is asked to end. */
function ending(child) {
  return new Promise((resolve) => {
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) {
      process.on(name, () => {
        // Ctrl-C reaches the command by itself; it then ends in its own way.
        if (!child) resolve(128 + constants.signals[name]);
        else if (name !== "SIGINT") child.kill(name);
      });
    }
    // Waiting for a signal alone keeps no process going.
    const timer = setInterval(() => {}, 60_000);
    child?.on("close", (code, signal) => {
      clearInterval(timer);
      resolve(code ?? 128 + constants.signals[signal]);
    });
    child?.on("error", (error) => {
      console.error(`${command[0]} cannot be run: ${error.message}`);
      resolve(127);
    });
  });
}

async function main() {
  let options;
  try {
    options = readArguments();
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const running = await startServers({ ...options, log: (line) => console.error(line) });
  // What the command prints stays its own.
  const print = command.length > 0 ? console.error : console.log;
  for (const [name, value] of Object.entries(running.urls)) print(`export ${name}='${value}'`);
  const child =
    command.length > 0 &&
    spawn(command[0], command.slice(1), {
      stdio: "inherit",
      env: { ...process.env, ...running.env },
    });
  if (!child) console.error("Running. Press ctrl-C to stop");
  const code = await ending(child || null);
  await running.stop();
  return code;
}

process.exit(await main());
