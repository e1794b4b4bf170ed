import { createHash } from "node:crypto";

// A row of an index holds 2704 bytes: a type, an id or a searched value, and some overhead.
const MAX_KEY_BYTES = 1024;

const UNSAFE = /[\\\0]|\p{Surrogate}/gu;
const ESCAPED = /\\u([0-9a-f]{4})/g;

// A backslash alone, which no other text becomes. Pages begin after the empty text.
const EMPTY = "\\";
// An escaped text has a "u" after each backslash.
const HASHED = "\\#";

/**
 * A type or an id as a column of text can keep it: itself, but for NUL and lone surrogates, which
 * Postgres refuses, and for the backslash, which escapes these. It is never empty.
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

/** What stands for a type or an id in the primary key: its text, or a hash where that is too long. */
export function toKey(name: string): string {
  const text = toText(name);
  return isLong(text) ? HASHED + createHash("sha256").update(text).digest("base64url") : text;
}

/** The text of an id whose key is a hash, else `null`. */
export function toFullText(id: string): string | null {
  // An escaped unit has six bytes, others have fewer, which spares most ids the work.
  if (id.length * 6 <= MAX_KEY_BYTES) return null;
  const text = toText(id);
  return isLong(text) ? text : null;
}

function isLong(text: string): boolean {
  // A unit is at most three bytes, which spares most texts the counting.
  return text.length * 3 > MAX_KEY_BYTES && Buffer.byteLength(text) > MAX_KEY_BYTES;
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
