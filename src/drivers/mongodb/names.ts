import { createHash } from "node:crypto";

// MongoDB allows 255 bytes for the names of database and collection together, and less where
// collections are sharded.
const MAX_COLLECTION_BYTES = 90;
const READABLE_LENGTH = 40;

// A full stop may stand in a name, but not at an end, nor beside another one.
const UNSAFE_IN_COLLECTION = /^$|^system\.|^\.|\.$|(?<=\.)\.|[%$\0]|\p{Surrogate}/gu;

/** The collection of a type: its name is the type, but for what MongoDB does not allow. */
export function collectionName(type: string): string {
  const name = type === "" ? "%" : type.replace(UNSAFE_IN_COLLECTION, percentEncoded);
  if (Buffer.byteLength(name) <= MAX_COLLECTION_BYTES) return name;
  // No other name has a percent sign before a letter that is neither of "%u" nor hexadecimal.
  const hash = createHash("sha256").update(name).digest("base64url");
  return `${type.replace(/[^\w-]/g, "_").slice(0, READABLE_LENGTH)}%z${hash}`;
}

function percentEncoded(text: string): string {
  const first = text.charCodeAt(0).toString(16).padStart(2, "0");
  return `%${first.length > 2 ? "u" : ""}${first}${text.slice(1)}`;
}

const ESCAPED = /\\u([0-9a-f]{4})/g;
const UNSAFE_IN_ID = /\\|\p{Surrogate}/gu;
// Begins the ids that are escaped, and those that look so.
const ESCAPED_ID = "\\u:";

/** An id as `_id`: itself, but for half of a surrogate pair, which UTF-8 does not have. */
export function toId(id: string): string {
  if (id.isWellFormed() && !id.startsWith(ESCAPED_ID)) return id;
  return ESCAPED_ID + id.replace(UNSAFE_IN_ID, escaped);
}

/** Takes {@link toId} back. */
export function fromId(id: string): string {
  return id.startsWith(ESCAPED_ID) ? unescaped(id.slice(ESCAPED_ID.length)) : id;
}

// What names of fields may not hold, what means something in paths, and the escape itself.
// Clients take objects with a `_bsontype` for values of their own.
const UNSAFE_IN_FIELD = /^\$|[.\\\0]|\p{Surrogate}|^_(?=bsontype$)/u;
const ALL_UNSAFE_IN_FIELD = new RegExp(UNSAFE_IN_FIELD, "gu");
const EMPTY_FIELD = "\\";

/** Whether the name of a property can be that of a field. */
export function isFieldName(name: string): boolean {
  return name !== "" && !UNSAFE_IN_FIELD.test(name);
}

/** The name of a field for the name of any property. */
export function toField(name: string): string {
  return name === "" ? EMPTY_FIELD : name.replace(ALL_UNSAFE_IN_FIELD, escaped);
}

/** Takes {@link toField} back. */
export function fromField(field: string): string {
  return field === EMPTY_FIELD ? "" : unescaped(field);
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function unescaped(text: string): string {
  return text.replace(ESCAPED, (_match, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}
