import { DatabankStore } from "connect-databank";
import expressSession from "express-session";

export const peerName = "express-session's MemoryStore";
export const inFlight = [1, 64, 256];
export const seeded = 10_000;
export const ops = ["get", "missing", "set", "create", "touch", "destroy", "mixed"];

export async function ours() {
  return { store: new DatabankStore("memory:") };
}

export async function peer() {
  return { store: new expressSession.MemoryStore() };
}
