import { open } from "node:fs/promises";
import { isOfTheProcess } from "./disk-error.js";

/** Waits until the disk has the names in a folder. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r").catch((error: unknown) => {
    if (isOfTheProcess(error)) throw error;
    // It is gone, or this system opens no folders.
    return null;
  });
  if (!folder) return;
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
