import { fork } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const CONNECTIONS = 64;
const TURN_SECONDS = 1;

/**
 * An Express application that reads its visitors' sessions, each of 64 connections another
 * visitor's, in a process of its own.
 *
 * @param name - The suite whose store it has; `null` for one that does nothing.
 */
export async function startApplication(name, context) {
  const require = createRequire(new URL("./peers/package.json", import.meta.url));
  const autocannon = require("autocannon");
  const script = fileURLToPath(new URL("./http-app.mjs", import.meta.url));
  const child = fork(script, [JSON.stringify({ suite: name, context })]);
  const [port] = await once(child, "message");
  const url = `http://127.0.0.1:${port}`;
  const cookies = await Promise.all(Array.from({ length: CONNECTIONS }, () => login(url)));
  return {
    /** How many requests it answers per second, for a while. */
    async turn() {
      let next = 0;
      const { requests, duration, non2xx, errors } = await autocannon({
        url,
        connections: CONNECTIONS,
        duration: TURN_SECONDS,
        setupClient(client) {
          client.setHeaders({ cookie: cookies[next++ % CONNECTIONS] });
        },
      });
      if (non2xx + errors > 0) throw new Error(`${non2xx + errors} requests of ${name} failed`);
      return requests.total / duration;
    },
    async stop() {
      child.send("end");
      await once(child, "exit");
    },
  };
}

async function login(url) {
  const response = await fetch(`${url}/login`);
  await response.text();
  return response.headers.get("set-cookie").split(";")[0];
}
