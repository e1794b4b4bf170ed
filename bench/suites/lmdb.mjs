import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabankStore } from "connect-databank";

export const peerName = "our sqlite driver";
export const inFlight = [1, 64];
export const seeded = 1000;
export const ops = ["get", "missing", "set", "create", "touch", "destroy", "mixed"];

async function opened(urlOf) {
  const dir = await mkdtemp(join(tmpdir(), "bench-lmdb-"));
  const store = new DatabankStore(urlOf(dir));
  const close = async () => {
    await store.close();
    await rm(dir, { recursive: true });
  };
  return { store, close };
}

export const ours = () => opened((dir) => `lmdb:${dir}`);
export const peer = () => opened((dir) => `sqlite:${dir}/sessions.db`);
