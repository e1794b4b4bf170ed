import { createHash } from "node:crypto";

/** The most bytes of a type and of an id that stand in the primary key as they are. */
export const MAX_TYPE_BYTES = 255;
export const MAX_ID_BYTES = 512;

const UNSAFE = /[\\\0]|\p{Surrogate}/gu;
const ESCAPED = /\\u([0-9a-f]{4})/g;

// A backslash alone, which no other text becomes. Pages begin after the empty text.
const EMPTY = "\\";
// An escaped text has a "u" after each backslash.
const HASHED = "\\#";

/**
 * A type or an id as bytes of UTF-8 can hold it: itself, but for lone surrogates, for NUL, which
 * tools show badly, and for the backslash, which escapes these. It is never empty.
 */
export function toText(text: string): string {
  if (text === "") return EMPTY;
  return text.replace(UNSAFE, (unit) => {
    const code = unit.charCodeAt(0).toString(16).padStart(4, "0");
    return `\\u${code}`;
  });
}

/** Takes {@link toText} back. */
export function fromText(text: string): string {
  if (text === EMPTY) return "";
  if (!text.includes("\\")) return text;
  return text.replace(ESCAPED, (_match, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** What stands for a type in the primary key. */
export function typeKey(type: string): string {
  const text = toText(type);
  return isLonger(text, MAX_TYPE_BYTES) ? hashed(text) : text;
}

/** What stands for an id in the primary key: its text, or a hash where that is too long. */
export function idKey(id: string): string {
  const text = toText(id);
  return isLonger(text, MAX_ID_BYTES) ? hashed(text) : text;
}

/** The text of an id whose key is a hash, else `null`. */
export function fullText(id: string): string | null {
  // An escaped unit has six bytes, others have fewer, which spares most ids the work.
  if (id.length * 6 <= MAX_ID_BYTES) return null;
  const text = toText(id);
  return isLonger(text, MAX_ID_BYTES) ? text : null;
}

function isLonger(text: string, bytes: number): boolean {
  // A unit is at most three bytes, which spares most texts the counting.
  return text.length * 3 > bytes && Buffer.byteLength(text) > bytes;
}

function hashed(text: string): string {
  return HASHED + createHash("sha256").update(text).digest("base64url");
}

/** A name as an identifier of SQL. */
export function identifier(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

/** A text without a backslash, which some servers take for an escape, as a literal of SQL. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
