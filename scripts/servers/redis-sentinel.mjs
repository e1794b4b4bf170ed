import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "./free-port.mjs";
import { findRedis } from "./redis.mjs";
import { untilTrue } from "./redis-cluster-nodes.mjs";
import { redisCommand } from "./redis-command.mjs";
import { groupControls, makeNode, nodeControls } from "./redis-node.mjs";
import { ServerProcess } from "./server-process.mjs";

/** What the sentinel calls the master and its replica. */
const GROUP = "sessions";
const DOWN_AFTER_MS = 500;
const FAILOVER_TIMEOUT_MS = 5_000;
const WHOLE_LIMIT_MS = 60_000;

/** A sentinel is the server program with another configuration, which it rewrites. */
async function makeSentinel({ folder, tools }, master) {
  const port = await freePort();
  const file = join(folder, "sentinel.conf");
  const lines = [
    `port ${port}`,
    "bind 127.0.0.1",
    "protected-mode no",
    `dir ${folder}`,
    `sentinel monitor ${GROUP} 127.0.0.1 ${master.port} 1`,
    `sentinel down-after-milliseconds ${GROUP} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${GROUP} ${FAILOVER_TIMEOUT_MS}`,
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  const server = new ServerProcess({
    name: "redis-sentinel",
    logFile: join(folder, "sentinel.log"),
    command: () => ({ file: tools.server, args: [file, "--sentinel"], env: tools.env }),
    isReady: async ({ pid }) =>
      (await redisCommand(port, "INFO")).includes(`process_id:${pid}\r\n`),
  });
  return { port, server };
}

async function open(context) {
  const settings = { "repl-diskless-sync-delay": 0 };
  const make = (name, more) =>
    makeNode({ group: "redis-sentinel", name, settings: { ...settings, ...more } }, context);
  const master = await make("node-1");
  const replica = await make("node-2", { replicaof: `127.0.0.1 ${master.port}` });
  const sentinel = await makeSentinel(context, master);
  const controls = groupControls([master, replica, sentinel]);
  let isKnown = false;

  const isLinked = async () => {
    const nodes = [master, replica];
    const roles = await Promise.all(
      nodes.map(({ port }) => redisCommand(port, "INFO", "replication")),
    );
    return roles.some((role) => role.includes("master_link_status:up"));
  };
  const isWatched = async () =>
    /status=ok,.*slaves=1,/.test(await redisCommand(sentinel.port, "INFO", "sentinel"));
  return {
    ...controls,
    get pids() {
      return controls.pids;
    },
    url: `redis://127.0.0.1:${sentinel.port}`,
    group: GROUP,
    nodes: [master, replica].map(nodeControls),
    async start() {
      // After a failover only the sentinel can tell who follows whom. At first it had better come
      // last: it asks a master for its replicas when it starts, and then not for ten seconds.
      if (isKnown) await sentinel.server.start();
      await Promise.all([master, replica].map(({ server }) => server.start()));
      await untilTrue(isLinked, WHOLE_LIMIT_MS, "The replica does not follow its master");
      await sentinel.server.start();
      await untilTrue(isWatched, WHOLE_LIMIT_MS, "The sentinel did not find master and replica");
      isKnown = true;
    },
  };
}

/** A Redis with a replica, and a sentinel that makes that the master when the other one is down. */
export const redisSentinel = {
  name: "redis-sentinel",
  env: "REDIS_SENTINEL_URL",
  keeps: "kill",
  find: findRedis,
  open,
};
