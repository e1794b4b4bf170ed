import type { StoredEntry } from "../../databank/driver.js";
import { foreignVersion } from "../../databank/version.js";
import type { Key } from "./key.js";

const HEADER = /^@1 (-?\d+) (-?\d+|never) ([^\n]+)\n/;

/**
 * What stands before the JSON in a record: a line with the format, the time of creation, the
 * deadline and the version. Under a hashed key a second line repeats what was hashed.
 */
export function headerOf({ createdAt, expiresAt, version }: StoredEntry, { hashed }: Key): string {
  const header = `@1 ${createdAt} ${expiresAt ?? "never"} ${version}\n`;
  return hashed === undefined ? header : `${header}${hashed}\n`;
}

/**
 * The entry of a record. JSON without a header is an entry that a program of the first generation,
 * or a person, has written.
 *
 * @throws Error for anything else.
 */
export function fromRecord(record: string, id: string, { hashed }: Key): StoredEntry {
  const match = HEADER.exec(record);
  if (match === null) return fromForeign(record, id);
  const [header, createdAt, expiresAt, version = ""] = match;
  let start = header.length;
  if (hashed !== undefined) {
    if (!record.startsWith(`${hashed}\n`, start)) throw new Error("It is stored under another id");
    start += hashed.length + 1;
  }
  return {
    id,
    json: record.slice(start),
    version,
    createdAt: Number(createdAt),
    expiresAt: expiresAt === "never" ? null : Number(expiresAt),
  };
}

function fromForeign(json: string, id: string): StoredEntry {
  try {
    JSON.parse(json);
  } catch {
    // Not the error itself: its message quotes the text.
    throw new Error("It is neither an entry nor JSON");
  }
  return { id, json, version: foreignVersion(json), createdAt: 0, expiresAt: null };
}
