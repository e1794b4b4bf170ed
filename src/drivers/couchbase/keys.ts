import { createHash } from "node:crypto";

// A key may have 250 bytes, and a few less in a collection of its own.
const MAX_KEY_BYTES = 240;
const MAX_TYPE_BYTES = 100;

// A percent sign escapes; a colon ends the type; half of a surrogate pair is no UTF-8.
const UNSAFE_IN_ID = /[%\p{Cc}]|\p{Surrogate}/gu;
const UNSAFE_IN_TYPE = /[%:\p{Cc}]|\p{Surrogate}/gu;
const ESCAPED = /%(?:u([0-9a-f]{4})|([0-9a-f]{2}))/g;

// No escape begins so.
const HASHED = "%#";

/** The keys of entries: `type:id`, with a prefix where one was asked for. */
export class Keys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The key of an entry. No two pairs of type and id have the same. */
  of(type: string, id: string): string {
    const start = this.startOf(type);
    return start + within(MAX_KEY_BYTES - Buffer.byteLength(start), id, UNSAFE_IN_ID);
  }

  /** What the keys of all entries of a type begin with. It ends with a colon. */
  startOf(type: string): string {
    return `${this.#prefix}${within(MAX_TYPE_BYTES, type, UNSAFE_IN_TYPE)}:`;
  }

  /** The id in a key, or `undefined` where the key has its hash only. */
  idIn(key: string, type: string): string | undefined {
    const id = key.slice(this.startOf(type).length);
    if (id.startsWith(HASHED)) return undefined;
    return id.replace(ESCAPED, (_escape, long: string | undefined, short: string) =>
      String.fromCharCode(Number.parseInt(long ?? short, 16)),
    );
  }
}

function within(maxBytes: number, text: string, unsafe: RegExp): string {
  const escaped = text.replace(unsafe, (unit) => {
    const code = unit.charCodeAt(0);
    const hex = code.toString(16);
    return code < 0x100 ? `%${hex.padStart(2, "0")}` : `%u${hex.padStart(4, "0")}`;
  });
  if (Buffer.byteLength(escaped) <= maxBytes) return escaped;
  return HASHED + createHash("sha256").update(escaped).digest("base64url");
}
