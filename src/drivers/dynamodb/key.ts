import { createHash } from "node:crypto";
import type { Item } from "./client.js";

/**
 * Among how many partitions the entries of a type are spread. Each takes 1000 writes and 3000
 * consistent reads of 4 KB a second before DynamoDB has found out that it must divide it.
 */
export const SHARDS = 8;

// Of a sort key's 1024 bytes, and of a partition key's 2048, which has the shard too.
const MAX_BYTES = 1024;

const UNSAFE = /[\\\0]|\p{Surrogate}/gu;
const ESCAPED = /\\u([0-9a-f]{4})/g;

// A backslash alone, which no other text becomes, because keys must not be empty.
const EMPTY = "\\";
// An escaped text has a "u" after each backslash.
const HASHED = "\\#";

/** Where an entry is. */
export interface Key {
  readonly pk: string;
  readonly sk: string;
  /** The whole id, escaped, where `sk` is only its hash. */
  readonly fullId: string | undefined;
}

/** The key of an entry. No two pairs of type and id share one. */
export function keyOf(type: string, id: string): Key {
  const full = toText(id);
  const sk = shortened(full);
  return { pk: partitionOf(type, shardOf(sk)), sk, fullId: sk === full ? undefined : full };
}

/** The partition key of one shard of a type. */
export function partitionOf(type: string, shard: number): string {
  return `${shortened(toText(type))}#${shard}`;
}

/** The key as DynamoDB takes it. */
export function toItemKey({ pk, sk }: Pick<Key, "pk" | "sk">): Item {
  return { pk: { S: pk }, sk: { S: sk } };
}

/** Takes what was made of an id back. */
export function fromText(text: string): string {
  if (text === EMPTY) return "";
  return text.replace(ESCAPED, (_match, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** Whether a sort key is the hash of a longer id. */
export function isHashed(sk: string): boolean {
  return sk.startsWith(HASHED);
}

/** A SHA-256 in 43 letters. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

/** What UTF-8 and DynamoDB can hold: without lone surrogates and NUL, and never empty. */
function toText(text: string): string {
  if (text === "") return EMPTY;
  return text.replace(UNSAFE, (unit) => {
    const code = unit.charCodeAt(0).toString(16).padStart(4, "0");
    return `\\u${code}`;
  });
}

function shortened(text: string): string {
  // A unit is at most three bytes, which spares most texts the counting.
  if (text.length * 3 <= MAX_BYTES || Buffer.byteLength(text) <= MAX_BYTES) return text;
  return HASHED + hashOf(text);
}

/** FNV-1a, folded. It must stay as it is: it says where entries are. */
function shardOf(sk: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < sk.length; i += 1) {
    hash = Math.imul(hash ^ sk.charCodeAt(i), 0x01000193);
  }
  return ((hash ^ (hash >>> 16)) >>> 0) % SHARDS;
}
