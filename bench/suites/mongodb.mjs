import { randomUUID } from "node:crypto";
import { DatabankStore } from "connect-databank";
import MongoStore from "connect-mongo";
import { startServers } from "../../scripts/servers/index.mjs";

export const peerName = "connect-mongo";
export const inFlight = [1, 64];
export const seeded = 10_000;
export const ops = ["get", "missing", "set", "create", "touch", "destroy", "mixed"];

let servers;

export async function start() {
  servers = await startServers({ names: ["mongodb"], log: console.error });
  return { url: servers.urls.MONGODB_URL };
}

export const stop = () => servers.stop();

// A database of its own for each trial, so that none finds what another has left.
function freshDatabase(url) {
  const fresh = new URL(url);
  fresh.pathname = `/bench_${randomUUID().slice(0, 8)}`;
  return fresh.href;
}

export async function ours({ url }) {
  const store = new DatabankStore(freshDatabase(url), { log: null });
  return { store, close: () => store.close() };
}

export async function peer({ url }) {
  const store = MongoStore.create({ mongoUrl: freshDatabase(url), ttl: 3600 });
  return { store, close: () => store.close() };
}
