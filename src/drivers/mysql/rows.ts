import type { StoredEntry, UnchangedEntry } from "../../databank/driver.js";
import { fromText } from "../escaped-text.js";
import type { Row } from "./connections.js";
import { jsonOf } from "./value-text.js";

/** What a row says, but for its id and value. */
export interface Found {
  /** What stands for the id in the primary key. */
  readonly key: string;
  readonly version: string;
  readonly createdAt: number;
  /** By this process's clock; `null` means never. */
  readonly expiresAt: number | null;
  readonly isLive: boolean;
  /** `null` where it was left out. */
  readonly json: string | null;
  /** The id's text where the key is a hash, in listings. */
  readonly longId: string | null;
}

// The last moment that a Date can hold. A deadline on it drifts on its way here and back.
const END_OF_TIME_MS = 8_640_000_000_000_000;

/** Takes the rows of a statement that asks for entries. */
export function foundIn(rows: readonly Row[]): readonly Found[] {
  // One look at the clock, so that deadlines that are the same come back the same.
  const now = Date.now();
  return rows.map((row) => toFound(row, now));
}

function toFound([id, version, createdAt, remaining, json, longId]: Row, now: number): Found {
  const remainingMs = remaining === null ? null : Number(remaining);
  return {
    key: asText(id),
    version: asText(version),
    createdAt: Number(createdAt),
    expiresAt: remainingMs === null ? null : Math.min(now + remainingMs, END_OF_TIME_MS),
    isLive: remainingMs === null || remainingMs > 0,
    json: json === null ? null : jsonOf(asText(json)),
    longId: longId === null || longId === undefined ? null : asText(longId),
  };
}

/** Binary columns come as buffers. */
export function asText(column: unknown): string {
  return Buffer.isBuffer(column) ? column.toString() : String(column);
}

/** A found entry under the id that was asked for, without its value where that was left out. */
export function toRead(id: string, found: Found): StoredEntry | UnchangedEntry {
  return found.json === null ? unchanged(id, found) : { ...unchanged(id, found), json: found.json };
}

/** A found entry with its value. */
export function toEntry(id: string, found: Found): StoredEntry {
  return { ...unchanged(id, found), json: found.json ?? "" };
}

/** A found entry of a listing. */
export function toListed(found: Found): StoredEntry {
  return toEntry(fromText(found.longId ?? found.key), found);
}

function unchanged(id: string, { version, createdAt, expiresAt }: Found): UnchangedEntry {
  return { id, version, createdAt, expiresAt };
}
