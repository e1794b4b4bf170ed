// Started by guard.mjs: reads what there is to end, and ends it when its input does.
import { rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { endTree } from "./process-tree.mjs";

const POLITE_LIMIT_MS = 3_000;

const processes = new Map();
const folders = new Set();

const actions = {
  process: (pid, politely) => processes.set(pid, politely),
  ended: (pid) => processes.delete(pid),
  folder: (path) => folders.add(path),
  removed: (path) => folders.delete(path),
};

for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, ...words] = JSON.parse(line);
  actions[verb](...words);
}
await Promise.all([...processes].map(([pid, politely]) => endTree(pid, politely, POLITE_LIMIT_MS)));
await Promise.all(
  [...folders].map((path) => rm(path, { recursive: true, force: true, maxRetries: 5 })),
);
