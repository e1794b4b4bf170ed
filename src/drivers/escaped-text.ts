import { createHash } from "node:crypto";
import { isLonger } from "../databank/text-bytes.js";

const UNSAFE = /[\\\0]|\p{Surrogate}/gu;
// Without regard to whole surrogate pairs, which is quicker, and enough for nearly all texts.
const MAYBE_UNSAFE = /[\\\0\ud800-\udfff]/;
const ESCAPED = /\\u([0-9a-f]{4})/g;

// A backslash alone, which no other text becomes.
const EMPTY = "\\";
// An escaped text has a "u" after each backslash.
const HASHED = "\\#";

/**
 * A type or an id as databases of text can keep it: itself, but for lone surrogates, which UTF-8
 * does not have, for NUL, which some refuse and some end texts at, and for the backslash, which
 * escapes these. It is never empty, and the empty text comes before all.
 *
 * All of this has to stay as it is: it says where entries are.
 */
export function toText(name: string): string {
  if (name === "") return EMPTY;
  if (!MAYBE_UNSAFE.test(name)) return name;
  return name.replace(UNSAFE, (unit) => {
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

/** What stands for a type or an id where there is little room: its text, or a hash of a longer one. */
export function keyText(name: string, maxBytes: number): string {
  const text = toText(name);
  if (!isLonger(text, maxBytes)) return text;
  return HASHED + createHash("sha256").update(text).digest("base64url");
}

/** Whether a {@link keyText} is a hash. */
export function isHashed(key: string): boolean {
  return key.startsWith(HASHED);
}

/** The text of a name whose key is a hash, else `null`. */
export function longText(name: string, maxBytes: number): string | null {
  // An escaped unit has six bytes, others have fewer, which spares most names the work.
  if (name.length * 6 <= maxBytes) return null;
  const text = toText(name);
  return isLonger(text, maxBytes) ? text : null;
}
