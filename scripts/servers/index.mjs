import { catalog } from "./catalog.mjs";
import { openServer } from "./open-server.mjs";

export { Unavailable } from "./unavailable.mjs";

/** The variable that hands the reasons for missing servers to the tests, as JSON by variable name. */
export const SKIPPED = "SERVERS_SKIPPED";

/** The names and variables of all servers: `{ name, env }`. */
export const servers = catalog.map(({ name, env }) => ({ name, env }));

/**
 * Starts the named servers (all by default) beside one another. One that cannot be had or does not start is skipped,
 * with the reason. One whose variable is set in `environment` is used as it is, and never stopped.
 */
export async function startServers({
  names,
  log,
  durable = false,
  environment = process.env,
} = {}) {
  const chosen = names === undefined ? catalog : names.map(definitionOf);
  const given = chosen.filter(({ env }) => environment[env]);
  const urls = Object.fromEntries(given.map(({ env }) => [env, environment[env]]));
  const skipped = [];
  const started = [];
  await Promise.all(
    chosen
      .filter(({ env }) => !environment[env])
      .map(async (definition) => {
        const { name, env } = definition;
        const begin = Date.now();
        try {
          const server = await openServer(definition, {
            durable,
            log: (text) => log?.(`${name}: ${text}`),
          });
          started.push(server);
          urls[env] = server.url;
          log?.(`${name}: ready after ${Date.now() - begin} ms`);
        } catch (error) {
          const reason = error.message.replaceAll(/\s*\n\s*/g, " ");
          skipped.push({ name, env, reason });
          log?.(`${name}: skipped, ${reason}`);
        }
      }),
  );
  return {
    urls,
    skipped,
    /** What the tests need in their environment: the URLs, and the reasons for those that are missing. */
    env: {
      ...urls,
      [SKIPPED]: JSON.stringify(
        Object.fromEntries(skipped.map(({ env, reason }) => [env, reason])),
      ),
    },
    async stop() {
      await Promise.all(started.splice(0).map((server) => server.close()));
    },
  };
}

/**
 * Starts a server of one's own, to be stopped, killed, paused and started again at will.
 * @throws Unavailable where this machine cannot have it
 */
export function startOwnServer(name, options) {
  return openServer(definitionOf(name), options);
}

function definitionOf(name) {
  const definition = catalog.find((one) => one.name === name);
  if (definition) return definition;
  throw new Error(
    `There is no server ${name}; there are ${catalog.map((one) => one.name).join(", ")}`,
  );
}
