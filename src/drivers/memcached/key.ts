import { createHash } from "node:crypto";

/** The longest key that memcached takes, in bytes. */
const MAX_KEY = 250;
const MAX_READABLE_TYPE = 100;

// Whatever is not printable ASCII, or has a meaning in keys.
const UNSAFE_IN_TYPE = /[^!-$&-9;-~]/g;
const UNSAFE_IN_ID = /[^!-$&-~]/g;

/** Where an entry is. */
export interface Key {
  readonly text: string;
  /**
   * What the key is a hash of, and the record repeats, because several texts might share a hash;
   * `undefined` for a key that says itself what it is the key of.
   */
  readonly hashed: string | undefined;
}

/**
 * The key of an entry: `session:abc`, or a hash of it where that is too long.
 *
 * Characters that keys cannot hold are written as `%0020`, in types the colon too, so that no two
 * pairs of type and id share a key.
 */
export function keyOf(prefix: string, type: string, id: string): Key {
  const name = type.replace(UNSAFE_IN_TYPE, escaped);
  const text = `${prefix}${name}:${id.replace(UNSAFE_IN_ID, escaped)}`;
  if (text.length <= MAX_KEY) return { text, hashed: undefined };
  const hash = createHash("sha256").update(text).digest("base64url");
  // No escape begins with a "%h", so no key of a short id looks like this one.
  const readable = name.length <= MAX_READABLE_TYPE ? name : "";
  return { text: `${prefix}${readable}:%h${hash}`, hashed: text };
}

// By units of UTF-16, so that halves of surrogate pairs stay apart.
function escaped(unit: string): string {
  return `%${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
