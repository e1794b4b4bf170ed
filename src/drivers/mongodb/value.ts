import { parseJson, toJson, type Value } from "../../databank/json.js";
import { fromField, isFieldName, toField } from "./names.js";

// MongoDB refuses documents with more than 100 levels.
export const MAX_DEPTH = 50;

// Half of a surrogate pair is always escaped in the JSON text that the databank makes.
const MAYBE_HALF = /\\u[dD][89a-fA-F]/;

/** A value as it stands in a document, and whether some of it is not itself. */
export interface Stored {
  readonly value: unknown;
  readonly isEncoded: boolean;
}

/**
 * A value for a document. Names that fields cannot have are escaped. What BSON cannot hold, a text
 * with half of a surrogate pair or what is nested too deeply, becomes a binary of its JSON text.
 */
export function toStoredValue(json: string): Stored {
  const value = parseJson(json);
  const texts = MAYBE_HALF.test(json) ? isWellFormed : always;
  return isPlain(value, texts, 1)
    ? { value, isEncoded: false }
    : { value: encode(value, 1), isEncoded: true };
}

/** JSON text of a value in a document. */
export function toJsonText(value: unknown, isEncoded: boolean): string {
  if (isEncoded) return toJson(decode(value));
  const json: string | undefined = JSON.stringify(value);
  if (json === undefined) throw new TypeError("There is no value");
  return json;
}

/** A text, number or other scalar as documents hold it. */
export function toStoredScalar(value: Value): unknown {
  return encode(value, 1);
}

const isWellFormed = (text: string) => text.isWellFormed();
const always = () => true;

// JSON.stringify would lose a negative zero, so reading has to be told of it.
function isPlain(value: Value, isText: (text: string) => boolean, depth: number): boolean {
  if (typeof value === "string") return isText(value);
  if (typeof value === "number") return value !== 0 || !Object.is(value, -0);
  if (typeof value !== "object" || value === null) return true;
  if (depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) return value.every((item) => isPlain(item, isText, depth + 1));
  return Object.entries(value).every(
    ([name, member]) => isFieldName(name) && isPlain(member, isText, depth + 1),
  );
}

function encode(value: Value, depth: number): unknown {
  if (typeof value === "string") return value.isWellFormed() ? value : binaryOf(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth > MAX_DEPTH) return binaryOf(value);
  if (Array.isArray(value)) return value.map((item) => encode(item, depth + 1));
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([name, item]) => [toField(name), encode(item, depth + 1)]),
  );
}

function binaryOf(value: Value): Uint8Array {
  return Buffer.from(toJson(value));
}

function decode(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(decode);
  const binary = bytesOf(value);
  if (binary) return parseJson(Buffer.from(binary).toString());
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [fromField(name), decode(member)]),
  );
}

/** The bytes of a binary, as the client gives it. */
function bytesOf(value: object): Uint8Array | undefined {
  if (!("_bsontype" in value) || value._bsontype !== "Binary") return undefined;
  return "buffer" in value && value.buffer instanceof Uint8Array ? value.buffer : undefined;
}
