import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { StoredEntry } from "../../databank/driver.js";
import { foreignVersion } from "../../databank/version.js";
import { isMissing, isOfTheProcess } from "./disk-error.js";
import { parse } from "./entry-text.js";
import { namesIn } from "./lock.js";

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
    if (isMissing(error)) return null;
    throw error;
  }
  if (parse(json) === undefined) throw new SyntaxError("The file holds no JSON");
  const { birthtimeMs, mtimeMs } = statSync(path);
  const createdAt = Math.round(birthtimeMs || mtimeMs);
  return { id, json, version: foreignVersion(json), createdAt, expiresAt: null };
}

/** The paths of the files of version 1 that come after `after`, in their order. */
export function classicFiles(folder: string, after: string): Generator<string> {
  return files(folder, "", after, 0);
}

/**
 * The id of the entry in a file of version 1; `null` where the file does not tell it.
 *
 * Version 1 did not store ids, so it is taken from the property that the schema names, and
 * believed if it leads back to the file.
 */
export function classicIdIn(folder: string, path: string, pkey: string | undefined): string | null {
  if (pkey === undefined) return null;
  const value = parse(read(join(folder, path)));
  const id: unknown = Object(value)[pkey];
  return typeof id === "string" && classicFileOf(id) === path ? id : null;
}

function* files(folder: string, path: string, after: string, depth: number): Generator<string> {
  for (const name of namesIn(join(folder, path))) {
    const inner = path === "" ? name : `${path}/${name}`;
    if (depth === 3) {
      if (name.endsWith(".json") && inner > after) yield inner;
      // Names of one length, or the order of the paths would be another than that of the folders.
    } else if (name.length === depth + 1 && (depth > 0 || FIRST_FOLDER.test(name))) {
      if (inner >= after.slice(0, inner.length)) yield* files(folder, inner, after, depth + 1);
    }
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isOfTheProcess(error)) throw error;
    return "";
  }
}
