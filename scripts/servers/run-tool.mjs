import { spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";

/** A tool ended badly; `output` is all that it printed. */
export class ToolError extends Error {
  name = "ToolError";

  constructor(message, output) {
    super(message);
    this.output = output;
  }
}

/**
 * Runs a program to its end, with `input` as its standard input, and resolves to what it printed on its standard output.
 * @throws ToolError where it cannot be run, ends with another code than 0, or takes longer than `limitMs`
 */
export function runTool(file, args, { limitMs = 300_000, input = "", ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: "pipe", ...options });
    // It may end without having read all of it.
    child.stdin.on("error", () => {}).end(input);
    const output = { stdout: "", stderr: "" };
    const timer = setTimeout(() => child.kill("SIGKILL"), limitMs);
    for (const name of ["stdout", "stderr"]) {
      child[name].setEncoding("utf8").on("data", (text) => {
        output[name] += text;
      });
    }
    const fail = (message) => reject(new ToolError(message, output.stdout + output.stderr));
    child.on("error", (error) => {
      clearTimeout(timer);
      fail(`${file} cannot be run: ${error.message}`);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(output.stdout);
      else
        fail(`${file} ended with ${signal ?? code}: ${tellingLine(output.stderr + output.stdout)}`);
    });
  });
}

/** The line of `text` that says what went wrong: the first that names an error, else the last one. */
export function tellingLine(text) {
  const lines = stripVTControlCharacters(text)
    .split("\n")
    .map((line) => line.trim());
  return (
    lines.find((line) => /error|fatal|exception|fail/i.test(line)) ??
    lines.findLast((line) => line !== "") ??
    ""
  );
}
