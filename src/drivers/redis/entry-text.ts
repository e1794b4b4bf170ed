import { createHash } from "node:crypto";
import type { StoredEntry } from "../../databank/driver.js";
import { foreignVersion } from "../../databank/version.js";

// A string in Redis: `@1 <version> <createdAt> <deadline>`, a line feed, and the JSON text. No JSON
// text begins with an @, so what others have written is told apart.
const HEADER = /^@1 (.+) (-?\d+) (\d{13,})$/;

/** A deadline in the database's clock: 13 digits or more, zeros for never. */
export const NEVER = "0".repeat(13);

/** A text that is neither an entry of ours nor JSON. */
export const CORRUPT = Symbol("corrupt");

const FOREIGN = /^foreign\.([\w-]{27})$/;

/**
 * A deadline in the database's clock. The number of its digits rarely changes, so that a touch can
 * write them in place.
 */
export function toDigits(expiresAt: number | null, offsetMs: number): string {
  if (expiresAt === null) return NEVER;
  return String(Math.max(1, expiresAt + offsetMs)).padStart(13, "0");
}

/**
 * When Redis shall drop a key. Redis keeps a key in the millisecond of its deadline, while an
 * entry is gone at its deadline.
 */
export function toExpiry(digits: string): string {
  return String(Math.max(1, Number(digits) - 1));
}

/** The text that is stored for an entry. */
export function toText({ version, createdAt, json }: StoredEntry, digits: string): string {
  return `@1 ${version} ${createdAt} ${digits}\n${json}`;
}

/** How the text of an entry with this version begins, and the SHA-1 of a stranger's, if it is one. */
export function marksOf(version: string): [beginning: string, sha1: string] {
  const [, hash] = FOREIGN.exec(version) ?? [];
  return [`@1 ${version} `, hash ? Buffer.from(hash, "base64url").toString("hex") : ""];
}

/** Whether an entry was found without a header, and so without a deadline that could be seen. */
export function isForeign({ version }: StoredEntry): boolean {
  return version.startsWith("foreign.") && FOREIGN.test(version);
}

/** The entry that a text holds; `offsetMs` is how far the database's clock is ahead of ours. */
export function fromText(id: string, text: string, offsetMs: number): StoredEntry | typeof CORRUPT {
  const end = text.startsWith("@1 ") ? text.indexOf("\n") : -1;
  const header = end === -1 ? null : HEADER.exec(text.slice(0, end));
  if (!header) return fromStranger(id, text);
  const [, version = "", createdAt = "0", digits = NEVER] = header;
  return {
    id,
    json: text.slice(end + 1),
    version,
    createdAt: Number(createdAt),
    expiresAt: digits === NEVER ? null : Number(digits) - offsetMs,
  };
}

/** An entry whose deadline only Redis knows: it says -1 for what never ends, and rounds the rest. */
export function withTimeLeft(entry: StoredEntry, leftMs: number): StoredEntry {
  return leftMs < 0 ? entry : { ...entry, expiresAt: Date.now() + leftMs + 1 };
}

/** What the first generation, or a person, has written is plain JSON. */
function fromStranger(id: string, json: string): StoredEntry | typeof CORRUPT {
  try {
    JSON.parse(json);
  } catch {
    return CORRUPT;
  }
  const version = foreignVersion(json);
  return { id, json, version, createdAt: 0, expiresAt: null };
}

/** A short name for what may be long or secret. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 22);
}
