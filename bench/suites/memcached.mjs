import { DatabankStore } from "connect-databank";
import ConnectMemcached from "connect-memcached";
import expressSession from "express-session";
import { startServers } from "../../scripts/servers/index.mjs";

export const peerName = "connect-memcached";
export const inFlight = [1, 64, 256];
export const seeded = 10_000;
export const ops = ["get", "missing", "set", "create", "touch", "destroy", "mixed"];

let servers;

export async function start() {
  servers = await startServers({ names: ["memcached"], log: console.error });
  return { url: servers.urls.MEMCACHED_URL };
}

export const stop = () => servers.stop();

export async function ours({ url }) {
  const store = new DatabankStore(`${url}?prefix=ours:`, { log: null });
  return { store, close: () => store.close() };
}

export async function peer({ url }) {
  const MemcachedStore = ConnectMemcached(expressSession);
  const store = new MemcachedStore({ hosts: [new URL(url).host], prefix: "peer:" });
  return { store, close: () => store.client.end() };
}
