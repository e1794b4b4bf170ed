import { randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";

const LOWEST = 20_000;
const taken = new Set();

/**
 * Resolves to a port of 127.0.0.1 that nobody listens on, and that this process is not given again. It is below those that the
 * system gives to outgoing connections: otherwise a client that knocks while its server is away could, by chance, get the
 * server's port as its own and be connected to itself.
 */
export async function freePort() {
  const highest = await firstEphemeralPort();
  for (let attempt = 0; attempt < 1_000; attempt++) {
    const port = randomInt(LOWEST, highest);
    if (taken.has(port)) continue;
    taken.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error("No free port was found on 127.0.0.1");
}

async function firstEphemeralPort() {
  try {
    const range = await readFile("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
    const first = Number.parseInt(range, 10);
    if (first > LOWEST + 1_000) return first;
  } catch {
    // Not Linux.
  }
  return 32_768;
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
