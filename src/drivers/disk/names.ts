import { hash } from "node:crypto";

// Letters that every file system keeps as they are and tells apart.
const PLAIN = /^[a-z0-9_-]+$/;
const NOT_PLAIN = /[^a-z0-9_-]/g;
// Windows keeps these names for devices, whatever their folder.
const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)$/;
const MAX_LENGTH = 100;

/** How the file of an entry is called: the SHA-256 of the JSON text of its id. */
export const ENTRY_FILE = /^[0-9a-f]{64}\.json$/;

/** How the folders that share out the files of a type are called: by the first two digits. */
export const SHARD = /^[0-9a-f]{2}$/;

/**
 * The name of a type's folder: the type itself where that is safe, so that people find it. Other
 * characters become `%` and four hexadecimal digits of UTF-16. No two types share a name, not even
 * where upper and lower case are one.
 */
export function folderOf(type: string): string {
  if (PLAIN.test(type) && type.length <= MAX_LENGTH && !RESERVED.test(type)) return type;
  const escaped = type.replace(NOT_PLAIN, toEscape);
  // "%%" is never the start of an escaped name.
  return escaped.length > MAX_LENGTH || PLAIN.test(escaped) || escaped === ""
    ? `%%${digest(type)}`
    : escaped;
}

/** The path of an entry's file inside its type's folder. */
export function entryFileOf(id: string): string {
  const name = digest(id);
  return `${name.slice(0, 2)}/${name}.json`;
}

function toEscape(character: string): string {
  return `%${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

// Of the JSON text, because UTF-8 makes all lone surrogates alike.
function digest(text: string): string {
  return hash("sha256", JSON.stringify(text), "hex");
}
