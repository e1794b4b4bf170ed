import type { StoredEntry } from "../../databank/driver.js";
import { RECLAIM_GRACE_MS } from "../../databank/entry.js";
import { DatabankError } from "../../databank/errors.js";
import { toJson } from "../../databank/json.js";

// The server counts seconds in 32 bits.
const LAST_EXPIRY_MS = 0xffffffff * 1000;

const FLAGS_OF_JSON = 0x02000000;

const BEFORE_VALUE = '{"value":';
const AFTER_VALUE = ',"type":';
const REST =
  /^,"type":"(?:[^"\\]|\\.)*","id":"(?:[^"\\]|\\.)*","version":"([^"\\]*)","createdAt":(-?\d+),"expiresAt":(-?\d+|null)\}$/;

// What Couchbase keeps, but tools that parse a document and write it again may not: half of a
// surrogate pair, and negative zero.
const HALF_PAIR = /\\u[dD]/;
const NEGATIVE_ZERO = /(?:^|[[:,])-0(?![.\d])/;

/** Hands the client the text of documents as it is, with the flags that mean JSON. */
export const textTranscoder = {
  encode: (text: string): [Buffer, number] => [Buffer.from(text), FLAGS_OF_JSON],
  decode: (bytes: Buffer): string => bytes.toString(),
};

/** The text of an entry's document. */
export function toDocument(type: string, entry: StoredEntry): string {
  const { id, json, version, createdAt, expiresAt } = entry;
  const isFragile = HALF_PAIR.test(json) || (json.includes("-0") && NEGATIVE_ZERO.test(json));
  const start = isFragile ? `{"text":${JSON.stringify(json)},"value":` : BEFORE_VALUE;
  const rest = JSON.stringify({ type, id, version, createdAt, expiresAt });
  return `${start}${json},${rest.slice(1)}`;
}

/**
 * The entry in the text of a document. A document that tools have written again is as good.
 *
 * @throws DatabankError `DATABANK_CORRUPT_ENTRY` for anything else.
 */
export function fromDocument(id: string, document: unknown): StoredEntry {
  const text = String(document);
  const end = text.lastIndexOf(AFTER_VALUE);
  const rest = end === -1 ? null : REST.exec(text.slice(end));
  if (rest && text.startsWith(BEFORE_VALUE)) {
    const [, version = "", createdAt, expiresAt] = rest;
    return {
      id,
      json: text.slice(BEFORE_VALUE.length, end),
      version,
      createdAt: Number(createdAt),
      expiresAt: expiresAt === "null" ? null : Number(expiresAt),
    };
  }
  return fromMembers(id, text);
}

function fromMembers(id: string, document: string): StoredEntry {
  const { value, text, version, createdAt, expiresAt } = membersOf(document);
  if (
    value === undefined ||
    typeof version !== "string" ||
    typeof createdAt !== "number" ||
    (expiresAt !== null && typeof expiresAt !== "number")
  ) {
    throw corrupt("it has no value, version, createdAt or expiresAt");
  }
  const json = typeof text === "string" ? text : toJson(value);
  return { id, json, version, createdAt, expiresAt };
}

/**
 * The id that a document names.
 *
 * @throws DatabankError `DATABANK_CORRUPT_ENTRY` where it names none.
 */
export function idInDocument(document: unknown): string {
  const { id } = membersOf(String(document));
  if (typeof id !== "string") throw corrupt("it has no id");
  return id;
}

function membersOf(document: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(document);
  } catch {
    throw corrupt("it is not JSON");
  }
  return Object(parsed);
}

// The document is not quoted: it is somebody's secret.
function corrupt(why: string): DatabankError {
  return new DatabankError(`A document is not an entry, because ${why}`, {
    code: "DATABANK_CORRUPT_ENTRY",
  });
}

/** When Couchbase may delete a document; 0 where it never does. */
export function expiryFor(expiresAt: number | null): Date | 0 {
  if (expiresAt === null) return 0;
  const expiry = Math.ceil((expiresAt + RECLAIM_GRACE_MS) / 1000) * 1000;
  return expiry > LAST_EXPIRY_MS ? 0 : new Date(expiry);
}
