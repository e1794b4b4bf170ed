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

/**
 * Resolves to the full path of a program on PATH, in `folders` or in the usual ones, or null. Of several names the
 * folder that comes first decides, so that PATH chooses between servers that stand in for one another.
 */
export async function findBinary(names, folders = []) {
  const path = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  for (const folder of [...path, ...folders, ...USUAL_FOLDERS]) {
    for (const name of [names].flat()) {
      const file = join(folder, name);
      if (await isExecutable(file)) return file;
    }
  }
  return null;
}
