import { types } from "node:util";
import type { StoredEntry, UnchangedEntry, Write } from "../../databank/driver.js";
import { isClassic, storedInClassic } from "./classic.js";
import { fromId } from "./names.js";
import { toJsonText, toStoredValue } from "./value.js";

/** A document as the client gives it. */
export interface Document {
  readonly _id: string;
  readonly [field: string]: unknown;
}

/** The fields of an entry that change with its value. */
export interface Content {
  readonly version: string;
  readonly createdAt: Date;
  readonly value: unknown;
  /** Whether parts of the value are encoded; missing where none is. */
  readonly encoded?: true;
}

export function contentOf({ json, version, createdAt }: Write): Content {
  const { value, isEncoded } = toStoredValue(json);
  const content = { version, createdAt: new Date(createdAt), value };
  return isEncoded ? { ...content, encoded: true } : content;
}

/** A deadline as documents hold it. */
export function toDate(expiresAt: number | null): Date | null {
  return expiresAt === null ? null : new Date(expiresAt);
}

/**
 * The entry in a document of this driver or of version 1, live or not.
 *
 * @throws TypeError for anything else.
 */
export function storedIn(document: Document, pkey: string | undefined): StoredEntry {
  if (isClassic(document)) return storedInClassic(document, pkey);
  const { encoded, value } = document;
  return { ...stampsIn(document), json: toJsonText(value, encoded === true) };
}

/** The same, without its value where the version is the known one. */
export function newsIn(
  document: Document,
  pkey: string | undefined,
  known: string | undefined,
): StoredEntry | UnchangedEntry {
  // Documents of version 1 have no version of their own, whatever their fields are called.
  const isKnown = known !== undefined && document.version === known && !isClassic(document);
  return isKnown ? stampsIn(document) : storedIn(document, pkey);
}

/** All of an entry but its value. */
function stampsIn(document: Document): UnchangedEntry {
  const { _id, version, createdAt, expiresAt = null, value } = document;
  if (typeof version !== "string" || !types.isDate(createdAt) || value === undefined) {
    throw new TypeError("The document is not one of this driver");
  }
  if (expiresAt !== null && !types.isDate(expiresAt)) {
    throw new TypeError("expiresAt is neither a date nor null");
  }
  return {
    id: fromId(_id),
    version,
    createdAt: createdAt.getTime(),
    expiresAt: expiresAt === null ? null : expiresAt.getTime(),
  };
}

/** What finds a document as long as it is exactly as it was read. */
export function exactly(document: Document): object {
  const { _id, version, createdAt, expiresAt } = document;
  // A write changes the version, and a touch the deadline.
  if (typeof version === "string" && types.isDate(createdAt) && expiresAt !== undefined) {
    return { _id, version, createdAt, expiresAt };
  }
  return { _id, $expr: { $eq: ["$$ROOT", { $literal: document }] } };
}
