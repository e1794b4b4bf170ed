import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import createStore from "better-sqlite3-session-store";
import { DatabankStore } from "connect-databank";
import expressSession from "express-session";

export const peerName = "better-sqlite3-session-store (WAL, synchronous NORMAL)";
export const inFlight = [1, 64];
export const seeded = 10_000;
export const ops = ["get", "missing", "set", "create", "touch", "destroy", "mixed"];

const folder = () => mkdtemp(join(tmpdir(), "bench-sqlite-"));

/** Ours with each write on the disk before it is acknowledged, or as the peer has it. */
export async function opened(parameters) {
  const dir = await folder();
  const store = new DatabankStore(`sqlite:${dir}/sessions.db${parameters}`);
  const close = async () => {
    await store.close();
    await rm(dir, { recursive: true });
  };
  return { store, close };
}

export const ours = () => opened("");

export async function peer() {
  const dir = await folder();
  const client = new Database(join(dir, "sessions.db"));
  client.pragma("journal_mode = WAL");
  client.pragma("synchronous = NORMAL");
  const Store = createStore(expressSession);
  const store = new Store({ client });
  return { store, close: () => rm(dir, { recursive: true }) };
}
