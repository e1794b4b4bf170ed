import { join } from "node:path";
import { freePort } from "./free-port.mjs";
import { ServerProcess } from "./server-process.mjs";

/**
 * Makes the `open` of a server that is one process on one port.
 * - `prepare(place)`: makes its data folder, once
 * - `command(place)`, `isReady(place, { pid, log })`: see `ServerProcess`
 * - `url(place)`
 * - `release(place)`: gives back what is not in its folder
 * - `extras(place)`: what this server can do besides
 * A `place` is `{ folder, port, tools, durable }`.
 */
export function singleProcess({
  name,
  stopSignal,
  prepare,
  command,
  isReady,
  url,
  release,
  extras,
}) {
  return async ({ folder, tools, durable }) => {
    const place = { folder, port: await freePort(), tools, durable };
    await prepare?.(place);
    const server = new ServerProcess({
      name,
      logFile: join(folder, "server.log"),
      command: () => command(place),
      isReady: (state) => isReady(place, state),
      stopSignal,
    });
    return {
      url: url(place),
      port: place.port,
      get pids() {
        return server.pid === null ? [] : [server.pid];
      },
      start: () => server.start(),
      stop: () => server.stop(),
      kill: () => server.kill(),
      pause: () => server.pause(),
      resume: () => server.resume(),
      release: async () => release?.(place),
      ...extras?.(place),
    };
  };
}
