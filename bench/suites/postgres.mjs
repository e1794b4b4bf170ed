import { randomUUID } from "node:crypto";
import { DatabankStore } from "connect-databank";
import connectPgSimple from "connect-pg-simple";
import expressSession from "express-session";
import pg from "pg";
import { startServers, Unavailable } from "../../scripts/servers/index.mjs";

export const peerName = "connect-pg-simple";
export const inFlight = [1, 64];
export const seeded = 10_000;
export const ops = ["get", "missing", "set", "create", "touch", "destroy", "mixed"];

/** Of both stores; it is the default of `pg`. */
const CONNECTIONS = 10;

let servers;

/** A server that writes to disk before it answers, as in production. */
export async function start() {
  servers = await startServers({ names: ["postgres"], durable: true });
  const [missing] = servers.skipped;
  if (missing) throw new Unavailable(missing.reason);
  return { url: servers.urls.POSTGRES_URL };
}

export async function stop() {
  await servers?.stop();
}

const newTable = () => `bench_${randomUUID().slice(0, 8)}`;

async function drop(url, table) {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`DROP TABLE ${table}; CHECKPOINT`);
  await client.end();
}

export async function ours({ url }) {
  const table = newTable();
  const store = new DatabankStore(`${url}?table=${table}&maxConnections=${CONNECTIONS}`);
  const close = async () => {
    await store.close();
    await drop(url, table);
  };
  return { store, close };
}

export async function peer({ url }) {
  const tableName = newTable();
  const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS });
  const PgStore = connectPgSimple(expressSession);
  const store = new PgStore({
    pool,
    tableName,
    createTableIfMissing: true,
    pruneSessionInterval: false,
  });
  const close = async () => {
    await pool.end();
    await drop(url, tableName);
  };
  return { store, close };
}
