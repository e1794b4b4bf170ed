import { unpackDebian } from "./debian.mjs";
import { findBinary } from "./find-binary.mjs";
import { redisCommand } from "./redis-command.mjs";
import { singleProcess } from "./single-process.mjs";

/** Resolves to a Redis or Valkey server program and the environment to run it in. */
export async function findRedis({ log }) {
  const installed = await findBinary(["redis-server", "valkey-server"]);
  if (installed) return { server: installed, env: {} };
  const unpacked = await unpackDebian({
    name: "redis",
    packages: ["redis-server", "redis-tools"],
    wanted: (name) => /^(redis-(server|tools)|lib(jemalloc|lzf|atomic|ssl|systemd).*)$/.test(name),
    log,
  });
  return { server: await unpacked.find("redis-server"), env: unpacked.env };
}

/** The arguments of a Redis process on one port, with its data in `folder`. */
export function redisArguments({ folder, port, durable }) {
  const settings = {
    port,
    bind: "127.0.0.1",
    dir: folder,
    save: "",
    appendonly: durable ? "yes" : "no",
    appendfsync: "always",
    // An answer before the write is on disk would make the durability tests worthless.
    "no-appendfsync-on-rewrite": "no",
    // 127.0.0.1 is all it listens on, and the tests set no password.
    "protected-mode": "no",
  };
  return Object.entries(settings).flatMap(([key, value]) => [`--${key}`, String(value)]);
}

/** Whether the Redis on `port` is this process and has loaded its data. */
export async function isRedisReady(port, pid) {
  const info = await redisCommand(port, "INFO");
  return info.includes(`process_id:${pid}\r\n`) && info.includes("\r\nloading:0\r\n");
}

/** Redis. A durable one writes each change to disk before it answers. */
export const redis = {
  name: "redis",
  env: "REDIS_URL",
  keeps: "kill",
  find: findRedis,
  open: singleProcess({
    name: "redis",
    command: (place) => ({
      file: place.tools.server,
      args: redisArguments(place),
      env: place.tools.env,
    }),
    isReady: (place, { pid }) => isRedisReady(place.port, pid),
    url: (place) => `redis://127.0.0.1:${place.port}`,
  }),
};
