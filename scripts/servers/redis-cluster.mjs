import { freePort } from "./free-port.mjs";
import { findRedis } from "./redis.mjs";
import { formCluster, isClusterWhole, readNodes, untilTrue } from "./redis-cluster-nodes.mjs";
import { redisCommand } from "./redis-command.mjs";
import { groupControls, makeNode, nodeControls } from "./redis-node.mjs";

const MASTERS = 3;
const NODES = 2 * MASTERS;
const NODE_TIMEOUT_MS = 2_000;
const WHOLE_LIMIT_MS = 60_000;

async function makeClusterNode(name, context) {
  const busPort = await freePort();
  const settings = {
    "cluster-enabled": "yes",
    "cluster-port": busPort,
    "cluster-node-timeout": NODE_TIMEOUT_MS,
    // A replica stands for election however long its master has been silent.
    "cluster-replica-validity-factor": 0,
    "repl-diskless-sync-delay": 0,
  };
  const node = await makeNode({ group: "redis-cluster", name, settings }, context);
  return { ...node, busPort };
}

function clusterNodeControls(node) {
  const controls = nodeControls(node);
  return Object.assign(controls, {
    async failover() {
      await controls.command("CLUSTER", "FAILOVER");
      await untilTrue(
        controls.isMaster,
        WHOLE_LIMIT_MS,
        `${controls.name} did not become a master`,
      );
    },
  });
}

async function open(context) {
  const made = await Promise.all(
    Array.from({ length: NODES }, (_, index) => makeClusterNode(`node-${index + 1}`, context)),
  );
  const nodes = made.map(clusterNodeControls);
  const controls = groupControls(made);
  const untilWhole = () =>
    untilTrue(() => isClusterWhole(made), WHOLE_LIMIT_MS, "The Redis Cluster did not become whole");
  let isFormed = false;

  /** The running nodes' word on who is who; the first that answers counts. */
  async function view() {
    const running = made.find(({ server }) => server.pid !== null);
    if (!running) throw new Error("The Redis Cluster is not running");
    return readNodes(running.port);
  }

  const hosts = made.map(({ port, tlsPort }) => `127.0.0.1:${tlsPort ?? port}`).join(",");
  return {
    ...controls,
    get pids() {
      return controls.pids;
    },
    url: `${context.tls ? "rediss" : "redis"}+cluster://${hosts}`,
    nodes,
    async start() {
      await controls.start();
      if (!isFormed) await formCluster(made, MASTERS);
      isFormed = true;
      await untilWhole();
    },
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
