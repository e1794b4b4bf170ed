import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabankStore } from "connect-databank";
import expressSession from "express-session";
import sessionFileStore from "session-file-store";

export const peerName = "session-file-store";
export const inFlight = [1, 64, 256];
export const seeded = 1000;
export const ops = ["get", "missing", "set", "create", "touch", "destroy", "mixed"];

const folder = () => mkdtemp(join(tmpdir(), "bench-disk-"));

export async function ours() {
  const dir = await folder();
  const store = new DatabankStore(`disk:${dir}`);
  const close = async () => {
    await store.close();
    await rm(dir, { recursive: true });
  };
  return { store, close };
}

export async function peer() {
  const dir = await folder();
  const FileStore = sessionFileStore(expressSession);
  const store = new FileStore({ path: dir, reapInterval: -1, logFn: () => {} });
  return { store, close: () => rm(dir, { recursive: true }) };
}
