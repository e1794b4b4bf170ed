import { DatabankStore } from "connect-databank";
import { RedisStore } from "connect-redis";
import { createClient } from "redis";
import { startServers } from "../../scripts/servers/index.mjs";

export const peerName = "connect-redis";
export const inFlight = [1, 64, 256];
export const seeded = 10_000;
export const ops = ["get", "missing", "set", "create", "touch", "destroy", "mixed"];

let servers;

export async function start() {
  servers = await startServers({ names: ["redis"], log: console.error });
  return { url: servers.urls.REDIS_URL };
}

export const stop = () => servers.stop();

export async function ours({ url }) {
  const store = new DatabankStore(`${url}?prefix=ours:`, { log: null });
  return { store, close: () => store.close() };
}

export async function peer({ url }) {
  const client = await createClient({ url }).connect();
  return { store: new RedisStore({ client }), close: () => client.close() };
}
