import { keyText, longText } from "../escaped-text.js";

/** The most bytes of a type and of an id that stand in the primary key as they are. */
export const MAX_TYPE_BYTES = 255;
export const MAX_ID_BYTES = 512;

const IS_ASCII = /^[ -~]*$/;

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

/**
 * A text without a backslash, which some servers take for an escape, as a literal of SQL that means
 * the same in the definition of any table: MariaDB keeps it in the table's own character set, which
 * may lack some characters or have others in their place.
 */
export function quoted(text: string): string {
  if (IS_ASCII.test(text)) return `'${text.replaceAll("'", "''")}'`;
  return `CONVERT(X'${Buffer.from(text).toString("hex")}' USING utf8mb4)`;
}
