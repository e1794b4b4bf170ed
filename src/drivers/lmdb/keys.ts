import { createHash } from "node:crypto";

// Together with what separates them, less than the 1978 bytes that a key may have.
const MAX_BYTES = { type: 400, id: 600, path: 400, value: 400 } as const;

const UNSAFE = /[\\\0]|\p{Surrogate}/u;
const ALL_UNSAFE = /[\\\0]|\p{Surrogate}/gu;
const ESCAPED = /\\u([0-9a-f]{4})/g;

// A backslash alone, which no other text becomes, so that a part of a key is never empty.
const EMPTY = "\\";
// No other text becomes a backslash and anything but u.
const HASHED = "\\h";

const TIME_DIGITS = 16;

/** A part of a key. It has no NUL, and its UTF-8 no more bytes than a part of its kind may have. */
export function keyPart(kind: keyof typeof MAX_BYTES, text: string): string {
  const maxBytes = MAX_BYTES[kind];
  const part = text === "" ? EMPTY : escaped(text);
  // Three bytes for each unit of UTF-16 are the most.
  if (part.length * 3 <= maxBytes || Buffer.byteLength(part) <= maxBytes) return part;
  return HASHED + createHash("sha256").update(part).digest("base64url");
}

function escaped(text: string): string {
  if (!UNSAFE.test(text)) return text;
  return text.replace(ALL_UNSAFE, (unit) => {
    const code = unit.charCodeAt(0).toString(16).padStart(4, "0");
    return `\\u${code}`;
  });
}

/** The text that a part of a key was made of, or `undefined` where that was too long for it. */
export function textOf(part: string): string | undefined {
  if (part === EMPTY) return "";
  if (!part.includes("\\")) return part;
  if (part.startsWith(HASHED)) return undefined;
  return part.replace(ESCAPED, (_match, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** What all keys that begin with these parts have in common. */
export function prefixOf(...parts: readonly string[]): string {
  return `${parts.join("\0")}\0`;
}

/** The keys with a prefix, from the one after `last` on; `last` comes without the prefix. */
export function rangeOf(prefix: string, limit: number, last?: string | null) {
  const start = typeof last === "string" ? `${prefix}${last}\0` : prefix;
  return { start, end: `${prefix.slice(0, -1)}\x01`, limit };
}

/** A moment as a part of a key, in the order of time. */
export function timePart(epochMs: number): string {
  return String(epochMs).padStart(TIME_DIGITS, "0");
}
