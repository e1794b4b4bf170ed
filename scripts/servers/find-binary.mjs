import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";

// Debian keeps servers in sbin, which is not on everybody's PATH; Homebrew's folder is not on launchd's.
const USUAL_FOLDERS = [
  "/usr/bin",
  "/usr/sbin",
  "/usr/local/bin",
  "/usr/local/sbin",
  "/opt/homebrew/bin",
];

/** Resolves to whether a file is there and may be run. */
export async function isExecutable(file) {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Resolves to the full path of a program on PATH, in the usual folders or in `folders`, or null. */
export async function findBinary(name, folders = []) {
  const path = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  for (const folder of [...path, ...folders, ...USUAL_FOLDERS]) {
    const file = join(folder, name);
    if (await isExecutable(file)) return file;
  }
  return null;
}
