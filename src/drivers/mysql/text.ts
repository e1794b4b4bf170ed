import { keyText, longText } from "../escaped-text.js";

/** The most bytes of a type and of an id that stand in the primary key as they are. */
export const MAX_TYPE_BYTES = 255;
export const MAX_ID_BYTES = 512;

/** What stands for a type in the primary key. */
export function typeKey(type: string): string {
  return keyText(type, MAX_TYPE_BYTES);
}

/** What stands for an id in the primary key: its text, or a hash where that is too long. */
export function idKey(id: string): string {
  return keyText(id, MAX_ID_BYTES);
}

/** The text of an id whose key is a hash, else `null`. */
export function fullText(id: string): string | null {
  return longText(id, MAX_ID_BYTES);
}

/** A name as an identifier of SQL. */
export function identifier(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

/** A text without a backslash, which some servers take for an escape, as a literal of SQL. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
