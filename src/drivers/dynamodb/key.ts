import { createHash } from "node:crypto";
import { keyText, longText } from "../escaped-text.js";
import type { Item } from "./client.js";

/**
 * Among how many partitions the entries of a type are spread. Each takes 1000 writes and 3000
 * consistent reads of 4 KB a second before DynamoDB has found out that it must divide it.
 */
export const SHARDS = 8;

// Of a sort key's 1024 bytes, and of a partition key's 2048, which has the shard too.
const MAX_BYTES = 1024;

/** Where an entry is. */
export interface Key {
  readonly pk: string;
  readonly sk: string;
  /** The whole id, escaped, where `sk` is only its hash. */
  readonly fullId: string | undefined;
}

/** The key of an entry. No two pairs of type and id share one. */
export function keyOf(type: string, id: string): Key {
  const sk = keyText(id, MAX_BYTES);
  return {
    pk: partitionOf(type, shardOf(sk)),
    sk,
    fullId: longText(id, MAX_BYTES) ?? undefined,
  };
}

/** The partition key of one shard of a type. */
export function partitionOf(type: string, shard: number): string {
  return `${keyText(type, MAX_BYTES)}#${shard}`;
}

/** The key as DynamoDB takes it. */
export function toItemKey({ pk, sk }: Pick<Key, "pk" | "sk">): Item {
  return { pk: { S: pk }, sk: { S: sk } };
}

/** A SHA-256 in 43 letters. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

/** FNV-1a, folded. It must stay as it is: it says where entries are. */
function shardOf(sk: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < sk.length; i += 1) {
    hash = Math.imul(hash ^ sk.charCodeAt(i), 0x01000193);
  }
  return ((hash ^ (hash >>> 16)) >>> 0) % SHARDS;
}
