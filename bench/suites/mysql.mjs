import { DatabankStore } from "connect-databank";
import mysqlSession from "express-mysql-session";
import expressSession from "express-session";
import { startServers } from "../../scripts/servers/index.mjs";

export const peerName = "express-mysql-session";
export const inFlight = [1, 64];
export const seeded = 10_000;
export const ops = ["get", "missing", "set", "create", "touch", "destroy", "mixed"];

const CONNECTIONS = 10;

/** A server that writes to disk before it answers; both stores use a database of it. */
export async function start() {
  const servers = await startServers({ names: ["mariadb"], durable: true });
  if (!servers.urls.MARIADB_URL) throw new Error(servers.skipped[0]?.reason);
  running = servers;
  return servers.urls.MARIADB_URL;
}

let running;

export const stop = () => running?.stop();

export async function ours(url) {
  const store = new DatabankStore(`${url}?maxConnections=${CONNECTIONS}`);
  return { store, close: () => store.close() };
}

export async function peer(url) {
  const { hostname: host, port, username: user, password, pathname } = new URL(url);
  const MySQLStore = mysqlSession(expressSession);
  const store = new MySQLStore({
    ...{ host, port: Number(port), user, password, database: pathname.slice(1) },
    connectionLimit: CONNECTIONS,
    clearExpired: false,
  });
  await store.onReady();
  return { store, close: () => store.close() };
}
