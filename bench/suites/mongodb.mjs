import { randomUUID } from "node:crypto";
import { DatabankStore } from "connect-databank";
import MongoStore from "connect-mongo";
import { startServers } from "../../scripts/servers/index.mjs";
import { measure } from "../measure.mjs";
import { operations } from "../operations.mjs";

export const peerName = "connect-mongo";
export const inFlight = [1, 64];
export const seeded = 10_000;
export const ops = ["get", "missing", "set", "create", "touch", "destroy", "mixed"];

let servers;

export async function start() {
  servers = await startServers({ names: ["mongodb"], log: console.error });
  const context = { url: servers.urls.MONGODB_URL };
  for (const open of [ours, peer]) await warmUp(await open(context));
  return context;
}

// The server is a program in Java, which is slow until it has been compiled bit by bit.
async function warmUp({ store, close }) {
  for (const op of ["get", "set", "touch"]) {
    const operation = await operations[op](store, 1000);
    for (let turn = 0; turn < 10; turn += 1) await measure(operation, 64);
  }
  await close();
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
