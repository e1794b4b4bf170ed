import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The folder that everything runs in, whatever folder the command was typed in. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * Runs a command to its end.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {object} [options]
 * @param {string} [options.cwd] - Defaults to the root of the project.
 * @param {NodeJS.ProcessEnv} [options.env] - Added to this process's own.
 * @param {boolean} [options.quiet] - Keeps what the command prints, unless it fails.
 * @param {AbortSignal} [options.signal] - Ends the command.
 * @returns {Promise<void>} Rejects when the command exits with anything but 0.
 */
export function run(command, args, { cwd = ROOT, env, quiet = false, signal } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      signal,
      stdio: ["ignore", quiet ? "pipe" : "inherit", quiet ? "pipe" : "inherit"],
    });
    const printed = [];
    child.stdout?.on("data", (chunk) => printed.push(chunk));
    child.stderr?.on("data", (chunk) => printed.push(chunk));
    child.on("error", reject);
    child.on("close", (exitCode, killedBy) => {
      if (exitCode === 0) return resolve();
      process.stderr.write(Buffer.concat(printed));
      const end = killedBy ? `was ended by ${killedBy}` : `exited with code ${exitCode}`;
      reject(new Error(`${[command, ...args].join(" ")} ${end}`));
    });
  });
}

/**
 * Runs the program of a package in node_modules, without a shell or npx in between.
 *
 * @param {string} program - Its file, as in `typescript/bin/tsc`.
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export function runPackage(program, args, options) {
  return run(process.execPath, [`${ROOT}node_modules/${program}`, ...args], options);
}

/** Runs npm: the one that started this process, else the one on the path. */
export function runNpm(args, options) {
  const npm = process.env.npm_execpath;
  return npm?.endsWith(".js")
    ? run(process.execPath, [npm, ...args], options)
    : run(process.platform === "win32" ? "npm.cmd" : "npm", args, options);
}

/** Compiles `src` to `dist`. Unchanged sources take a second or less. */
export function build(options) {
  return runPackage("typescript/bin/tsc", ["-p", "tsconfig.build.json"], options);
}
