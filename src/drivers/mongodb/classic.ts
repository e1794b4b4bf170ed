import type { StoredEntry } from "../../databank/driver.js";
import { toJson } from "../../databank/json.js";
import { foreignVersion } from "../../databank/version.js";
import type { Document } from "./document.js";

// Version 1 meant the full-width forms of these characters, and encoded the first one of a name.
const ENCODED = [
  [".", "\xff0e"],
  ["$", "\xff04"],
] as const;

/** Whether a document was written by version 1, or by hand in its way: it holds JSON only. */
export function isClassic(document: Document): boolean {
  return isJson(document);
}

/** The entry in a document of version 1, whose fields are the properties of the value. */
export function storedInClassic(document: Document, pkey: string | undefined): StoredEntry {
  const { _id, ...fields } = document;
  const value =
    fields._s === true ? fields._v : withKey(decoded(fields) as object, pkey, document._id);
  const json = toJson(value);
  return { id: _id, json, version: foreignVersion(json), createdAt: 0, expiresAt: null };
}

/** The names under which version 1 may have stored a property. */
export function classicField(name: string): string {
  return ENCODED.reduce((text, [plain, encoded]) => text.replace(plain, encoded), name);
}

// It took the property out that the schema names, because its value is the id.
function withKey(value: object, pkey: string | undefined, id: string): object {
  if (pkey === undefined) return value;
  return Object.fromEntries([...Object.entries(value), [pkey, id]]);
}

function decoded(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(decoded);
  return Object.fromEntries(
    Object.entries(value).map(([field, member]) => [nameOf(field), decoded(member)]),
  );
}

function nameOf(field: string): string {
  return ENCODED.reduce((text, [plain, encoded]) => text.replace(encoded, plain), field);
}

// Version 1 stored what JSON.parse gave it, which has no dates and no types of the client.
function isJson(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isJson);
  if (typeof value !== "object" || value === null) return value !== undefined;
  return isPlainObject(value) && Object.values(value).every(isJson);
}

// Not by its prototype: under some test runners each file has its own Object.
function isPlainObject(value: object): boolean {
  return Object.prototype.toString.call(value) === "[object Object]" && !("_bsontype" in value);
}
