import { keyText, longText } from "../escaped-text.js";

// A row of an index holds 2704 bytes: a type, an id or a searched value, and some overhead.
const MAX_KEY_BYTES = 1024;

/** What stands for a type or an id in the primary key: its text, or a hash where that is too long. */
export function toKey(name: string): string {
  return keyText(name, MAX_KEY_BYTES);
}

/** The text of an id whose key is a hash, else `null`. */
export function toFullText(id: string): string | null {
  return longText(id, MAX_KEY_BYTES);
}

/** A name within SQL. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text within SQL, whatever the server's `standard_conforming_strings`. */
export function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll("\\", "\\\\")}'`;
  return text.includes("\\") ? `E${quoted}` : quoted;
}
