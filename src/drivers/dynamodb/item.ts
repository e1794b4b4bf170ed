import type { StoredEntry } from "../../databank/driver.js";
import { isLive, RECLAIM_GRACE_MS } from "../../databank/entry.js";
import { fromText, isHashed } from "../escaped-text.js";
import type { Attribute, Item } from "./client.js";
import { type Key, toItemKey } from "./key.js";

/** An entry as an item, with the attributes that its indexes go by. */
export function toItem(entry: StoredEntry, key: Key, indexed: Item): Item {
  const { json, version, createdAt, expiresAt } = entry;
  return {
    ...toItemKey(key),
    ...(key.fullId === undefined ? {} : { fullId: { S: key.fullId } }),
    version: { S: version },
    createdAt: { N: `${createdAt}` },
    ...deadlineOf(expiresAt),
    value: { S: json },
    ...indexed,
  };
}

/**
 * The attributes of a deadline. DynamoDB deletes what is past its `ttl`, in seconds, some time in
 * the next days; it comes late, because clocks differ.
 */
export function deadlineOf(expiresAt: number | null): Item {
  if (expiresAt === null) return {};
  return { expiresAt: { N: `${expiresAt}` }, ttl: { N: `${ttlOf(expiresAt)}` } };
}

/** When DynamoDB may delete what expires at a moment, in seconds. */
export function ttlOf(expiresAt: number): number {
  return Math.ceil((expiresAt + RECLAIM_GRACE_MS) / 1000);
}

/** @throws Error for an item that is no entry, or not that of `fullId`. */
function fromItem(item: Item, fullId?: string): StoredEntry {
  const { sk, value, version, createdAt, expiresAt } = item;
  if (sk?.S === undefined || value?.S === undefined || version?.S === undefined) {
    throw new Error("It has no value or no version");
  }
  const text = isHashed(sk.S) ? item.fullId?.S : sk.S;
  if (text === undefined || (fullId !== undefined && fullId !== text)) {
    throw new Error("It is stored under another id");
  }
  return {
    id: fromText(text),
    json: value.S,
    version: version.S,
    createdAt: numberIn(createdAt),
    expiresAt: expiresAt === undefined ? null : numberIn(expiresAt),
  };
}

/** Told of an item that cannot be read. */
export type OnUnreadable = (cause: unknown) => void;

/** The live entry of an item, or `null`. */
export function liveEntryOf(
  item: Item | null,
  fullId: string | undefined,
  onUnreadable: OnUnreadable,
): StoredEntry | null {
  if (item === null) return null;
  try {
    const entry = fromItem(item, fullId);
    return isLive(entry.expiresAt, Date.now()) ? entry : null;
  } catch (cause) {
    onUnreadable(cause);
    return null;
  }
}

function numberIn(attribute: Attribute | undefined): number {
  const number = Number(attribute?.N);
  if (Number.isNaN(number)) throw new Error("One of its times is not a number");
  return number;
}
