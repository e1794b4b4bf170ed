import { randomUUID } from "node:crypto";
import { access, mkdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { Unavailable } from "./unavailable.mjs";

const PROJECT = resolve(import.meta.dirname, "../..");

/**
 * The folder that keeps what was downloaded, between runs.
 * `SERVERS_CACHE` names another one.
 * @default `.cache/servers` in the project
 */
export function cacheFolder() {
  return process.env.SERVERS_CACHE ?? join(PROJECT, ".cache", "servers");
}

const filling = new Map();

/**
 * Resolves to a folder of the cache, made by `fill(folder)` if it is not there yet. Two callers, also of two
 * processes, may fill it at once: it appears whole, under its name, from whoever ends first.
 * @throws Unavailable where the cache cannot be written
 */
export function cached(name, fill) {
  const running = filling.get(name) ?? fillOnce(join(cacheFolder(), name), fill);
  filling.set(name, running);
  // A failure (no network yet, say) must not be remembered.
  running.catch(() => filling.delete(name));
  return running;
}

async function fillOnce(folder, fill) {
  if (await exists(folder)) return folder;
  const draft = `${folder}.${randomUUID()}`;
  try {
    await mkdir(draft, { recursive: true });
  } catch (error) {
    throw new Unavailable(`nothing can be put into the cache: ${error.message}`, { cause: error });
  }
  try {
    await fill(draft);
    await mkdir(dirname(folder), { recursive: true });
    await rename(draft, folder);
  } catch (error) {
    if (!(await exists(folder))) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return folder;
}

/** Resolves to whether there is something at `path`. */
export async function exists(path) {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
