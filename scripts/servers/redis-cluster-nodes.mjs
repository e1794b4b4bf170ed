import { redisCommand } from "./redis-command.mjs";

const SLOTS = 16_384;
const MEET_LIMIT_MS = 60_000;
const POLL_MS = 25;

/** Resolves when `isTrue()` does to true; rejections count as false. Rejects with `complaint` after `limitMs`. */
export async function untilTrue(isTrue, limitMs, complaint) {
  const deadline = Date.now() + limitMs;
  while (!(await isTrue().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(complaint);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Resolves to what the node on a port knows about all nodes. */
export async function readNodes(port) {
  const lines = (await redisCommand(port, "CLUSTER", "NODES")).trim().split("\n");
  return lines.map((line) => {
    const [id, address, flagText, master, , , , link, ...slots] = line.trim().split(" ");
    const flags = flagText.split(",");
    return {
      id,
      port: Number(/:(\d+)@/.exec(address)?.[1]),
      isMaster: flags.includes("master"),
      isFailed: flags.some((flag) => flag.startsWith("fail") || flag === "noaddr"),
      isLinked: link === "connected",
      masterId: master === "-" ? null : master,
      slots: slots
        .filter((range) => !range.startsWith("["))
        .map((range) => {
          const [from, to = from] = range.split("-").map(Number);
          return [from, to];
        }),
    };
  });
}

/** Makes nodes that know nothing of each other one cluster: the first `masters` share the slots, the others replicate them. */
export async function formCluster(nodes, masters) {
  const [first, ...others] = nodes;
  await Promise.all(
    // Epochs of their own, given beforehand, spare the nodes the rounds in which they would settle them.
    nodes.map(({ port }, index) => redisCommand(port, "CLUSTER", "SET-CONFIG-EPOCH", index + 1)),
  );
  for (const { port, busPort } of others) {
    await redisCommand(first.port, "CLUSTER", "MEET", "127.0.0.1", port, busPort);
  }
  await untilTrue(
    async () => {
      const views = await Promise.all(nodes.map(({ port }) => readNodes(port)));
      return views.every((view) => view.filter(({ isLinked }) => isLinked).length === nodes.length);
    },
    MEET_LIMIT_MS,
    "The nodes of the Redis Cluster did not meet",
  );
  const edge = (index) => Math.floor((index * SLOTS) / masters);
  await Promise.all(
    nodes.map(async ({ port }, index) => {
      if (index < masters) {
        await redisCommand(port, "CLUSTER", "ADDSLOTSRANGE", edge(index), edge(index + 1) - 1);
      } else {
        const id = await redisCommand(nodes[index - masters].port, "CLUSTER", "MYID");
        await redisCommand(port, "CLUSTER", "REPLICATE", id);
      }
    }),
  );
}

/** Whether all nodes agree that all slots are served, that nobody has failed, and every replica follows its master. */
export async function isClusterWhole(nodes) {
  const states = await Promise.all(nodes.map(({ port }) => isNodeContent(port, nodes.length)));
  return states.every(Boolean);
}

async function isNodeContent(port, count) {
  const [info, view, replication] = [
    await redisCommand(port, "CLUSTER", "INFO"),
    await readNodes(port),
    await redisCommand(port, "INFO", "replication"),
  ];
  return (
    info.includes("cluster_state:ok") &&
    view.length === count &&
    view.every(({ isFailed, isLinked }) => isLinked && !isFailed) &&
    view.filter(({ isMaster }) => isMaster).length === count / 2 &&
    (replication.includes("role:master") || replication.includes("master_link_status:up"))
  );
}
