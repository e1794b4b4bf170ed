import { createHash } from "node:crypto";
import { isLonger } from "../../databank/text-bytes.js";
import { fromText, toText } from "../escaped-text.js";

// Together with what separates them, less than the 1978 bytes that a key may have.
const MAX_BYTES = { type: 400, id: 600, path: 400, value: 400 } as const;

// No other text becomes a backslash and anything but u.
const HASHED = "\\h";

const TIME_DIGITS = 16;

/** A part of a key. It has no NUL, and its UTF-8 no more bytes than a part of its kind may have. */
export function keyPart(kind: keyof typeof MAX_BYTES, text: string): string {
  const maxBytes = MAX_BYTES[kind];
  const part = toText(text);
  if (!isLonger(part, maxBytes)) return part;
  return HASHED + createHash("sha256").update(part).digest("base64url");
}

/** The text that a part of a key was made of, or `undefined` where that was too long for it. */
export function textOf(part: string): string | undefined {
  return part.startsWith(HASHED) ? undefined : fromText(part);
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
