import { createHmac, hash, randomBytes } from "node:crypto";

/** How session ids become ids in the databank; see `DatabankStoreOptions.ids`. */
export type IdForm = "hashed" | "classic" | "upgrade";

// The prefix names the scheme, so that it can change one day.
const PREFIX = "h1_";
const STORAGE_KEY = /^h1_[A-Za-z0-9_-]{43}$/;

/**
 * The id under which a session is stored: one that signs nobody in, in an alphabet that every
 * database can hold.
 */
export function hashedId(sid: string, pepper: string | undefined): string {
  // UTF-8 has no lone surrogates: two ids that differ in them must not meet.
  const bytes = sid.isWellFormed() ? sid : Buffer.from(`\0${sid}`, "utf16le");
  if (pepper !== undefined) {
    return PREFIX + createHmac("sha256", pepper).update(bytes).digest("base64url");
  }
  return PREFIX + hash("sha256", bytes, "base64url");
}

/** Whether a session id looks like an id in the databank: such a one is never let through. */
export function isStorageKey(sid: string): boolean {
  return STORAGE_KEY.test(sid);
}

const fingerprintKey = randomBytes(16);

/** Stands for a session id in logs and events: the same for one id, within one process. */
export function fingerprint(sid: string): string {
  return createHmac("sha256", fingerprintKey).update(sid).digest("base64url").slice(0, 12);
}
