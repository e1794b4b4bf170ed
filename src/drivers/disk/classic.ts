import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { StoredEntry } from "../../databank/driver.js";
import { foreignVersion } from "../../databank/version.js";
import { codeOf } from "./disk-error.js";
import { parse } from "./entry-text.js";

// Version 1 shared files out by the first character of their name, the first two and the first
// three, one folder inside the other.
const FIRST_FOLDER = /^[A-Za-z0-9_-]$/;

/** The path that version 1 of the disk databank gave an entry, inside its type's folder. */
export function classicFileOf(id: string): string {
  const name = createHash("md5").update(id).digest("base64url");
  return `${name.slice(0, 1)}/${name.slice(0, 2)}/${name.slice(0, 3)}/${name}.json`;
}

/** The entry in a file of version 1, which holds the bare value; `null` where there is none. */
export function readClassic(folder: string, id: string): StoredEntry | null {
  const path = join(folder, classicFileOf(id));
  let json: string;
  try {
    json = readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return null;
    throw error;
  }
  if (parse(json) === undefined) throw new SyntaxError("The file holds no JSON");
  const { birthtimeMs, mtimeMs } = statSync(path);
  const createdAt = Math.round(birthtimeMs || mtimeMs);
  return { id, json, version: foreignVersion(json), createdAt, expiresAt: null };
}

/**
 * The ids of the entries of version 1, in the order of their paths.
 *
 * Version 1 did not store ids, so they are taken from the property that the schema names, and
 * believed if they lead back to the file.
 */
export function* classicIds(
  folder: string,
  pkey: string | undefined,
  onUnknown: (cause: unknown) => void,
): Generator<{ path: string; id: string }> {
  for (const path of files(folder, "", 0)) {
    const value = pkey === undefined ? undefined : parse(read(join(folder, path)));
    const id: unknown =
      typeof value === "object" && value !== null && pkey !== undefined
        ? (value as Record<string, unknown>)[pkey]
        : undefined;
    if (typeof id === "string" && classicFileOf(id) === path) yield { path, id };
    else onUnknown(new Error("A file of version 1 does not tell the id of its entry"));
  }
}

/** Removes every entry of version 1. */
export function clearClassic(folder: string): void {
  for (const name of names(folder)) {
    if (FIRST_FOLDER.test(name)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function* files(folder: string, path: string, depth: number): Generator<string> {
  for (const name of names(join(folder, path)).sort()) {
    const inner = path === "" ? name : `${path}/${name}`;
    if (depth === 3) {
      if (name.endsWith(".json")) yield inner;
    } else if (depth > 0 || FIRST_FOLDER.test(name)) {
      yield* files(folder, inner, depth + 1);
    }
  }
}

function names(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
