import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "./free-port.mjs";
import { findRedis, isRedisReady, redisArguments } from "./redis.mjs";
import { formCluster, isClusterWhole, readNodes, untilTrue } from "./redis-cluster-nodes.mjs";
import { redisCommand } from "./redis-command.mjs";
import { ServerProcess } from "./server-process.mjs";

const MASTERS = 3;
const NODES = 2 * MASTERS;
const NODE_TIMEOUT_MS = 2_000;
const START_LIMIT_MS = 20_000;
const WHOLE_LIMIT_MS = 30_000;

async function makeNode(name, { folder, tools, durable }) {
  const place = { folder: join(folder, name), port: await freePort(), durable };
  const busPort = await freePort();
  await mkdir(place.folder);
  const settings = {
    "cluster-enabled": "yes",
    "cluster-port": busPort,
    "cluster-node-timeout": NODE_TIMEOUT_MS,
    // A replica stands for election however long its master has been silent.
    "cluster-replica-validity-factor": 0,
    "repl-diskless-sync-delay": 0,
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => [`--${key}`, String(value)]);
  const server = new ServerProcess({
    name: `redis-cluster ${name}`,
    logFile: join(place.folder, "server.log"),
    command: () => ({
      file: tools.server,
      args: [...redisArguments(place), ...flags],
      env: tools.env,
    }),
    isReady: ({ pid }) => isRedisReady(place.port, pid),
    startLimitMs: START_LIMIT_MS,
  });
  return { name, port: place.port, busPort, server };
}

function nodeControls({ name, port, server }) {
  const command = (...words) => redisCommand(port, ...words);
  const isMaster = async () => (await command("INFO", "replication")).includes("role:master");
  return {
    name,
    port,
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return server.pid;
    },
    command,
    isMaster,
    start: () => server.start(),
    stop: () => server.stop(),
    kill: () => server.kill(),
    pause: () => server.pause(),
    resume: () => server.resume(),
    async failover() {
      await command("CLUSTER", "FAILOVER");
      await untilTrue(isMaster, WHOLE_LIMIT_MS, `${name} did not become a master`);
    },
  };
}

async function open(context) {
  const made = await Promise.all(
    Array.from({ length: NODES }, (_, index) => makeNode(`node-${index + 1}`, context)),
  );
  const nodes = made.map(nodeControls);
  const every = (verb) => Promise.all(made.map(({ server }) => server[verb]()));
  const untilWhole = () =>
    untilTrue(() => isClusterWhole(made), WHOLE_LIMIT_MS, "The Redis Cluster did not become whole");
  let isFormed = false;

  /** The running nodes' word on who is who; the first that answers counts. */
  async function view() {
    const running = made.find(({ server }) => server.pid !== null);
    if (!running) throw new Error("The Redis Cluster is not running");
    return readNodes(running.port);
  }

  return {
    url: `redis+cluster://${made.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    nodes,
    get pids() {
      return made.map(({ server }) => server.pid).filter((pid) => pid !== null);
    },
    async start() {
      await every("start");
      if (!isFormed) await formCluster(made, MASTERS);
      isFormed = true;
      await untilWhole();
    },
    stop: () => every("stop"),
    kill: () => every("kill"),
    pause: () => every("pause"),
    resume: () => every("resume"),
    untilWhole,
    /** The node that answers for a key, by what the first running node knows. */
    async masterOf(key) {
      const running = made.find(({ server }) => server.pid !== null);
      if (!running) throw new Error("The Redis Cluster is not running");
      const slot = Number(await redisCommand(running.port, "CLUSTER", "KEYSLOT", key));
      const master = (await view()).find(({ slots }) =>
        slots.some(([from, to]) => from <= slot && slot <= to),
      );
      return nodes.find(({ port }) => port === master?.port);
    },
    /** A replica of a node. */
    async replicaOf(node) {
      const seen = await view();
      const { id } = seen.find(({ port }) => port === node.port);
      const replica = seen.find(({ masterId, isFailed }) => masterId === id && !isFailed);
      return nodes.find(({ port }) => port === replica?.port);
    },
    release: async () => {},
  };
}

/** Redis Cluster: three masters with a replica each. */
export const redisCluster = {
  name: "redis-cluster",
  env: "REDIS_CLUSTER_URL",
  keeps: "kill",
  find: findRedis,
  open,
};
