import { keyText, longText } from "../escaped-text.js";

/** The most bytes of a type and of an id that stand in the primary key as they are. */
export const MAX_TYPE_BYTES = 255;
export const MAX_ID_BYTES = 512;

// Of ASCII all but the apostrophe and the backslash.
const IS_PLAIN = /^[ -&(-[\]-~]*$/;

/** Comes before all keys. An empty text would be NULL to a connection of that mode of MariaDB. */
export const BEFORE_ALL = "\0";

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
 * A text as a literal of SQL that means the same in the definition of any table. MariaDB keeps it in
 * the table's own character set, which may lack some characters or have others in their place; MySQL
 * escapes quotes as the mode of the connection then has it not.
 */
export function quoted(text: string): string {
  if (IS_PLAIN.test(text)) return `'${text}'`;
  return `CONVERT(X'${Buffer.from(text).toString("hex")}' USING utf8mb4)`;
}
