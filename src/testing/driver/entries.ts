import { randomBytes } from "node:crypto";
import type { Condition, StoredEntry, Write } from "../../databank/driver.js";
import { inAnHour } from "./deadlines.js";

/** A version of a new life, in the form in which the databank makes them. */
export function newVersion(): string {
  return `${token()}.${token()}`;
}

/** The version of a change within the life of `version`. */
function changedVersion(version: string): string {
  return `${version.slice(0, version.indexOf("."))}.${token()}`;
}

function token(): string {
  return randomBytes(9).toString("base64url");
}

/** A write of a small value that lives for an hour, unless told otherwise. */
export function entry(id: string, fields: Partial<Omit<Write, "id">> = {}): Write {
  const createdAt = Date.now();
  const json = `{"n":${createdAt},"id":${JSON.stringify(id)}}`;
  return { id, json, version: newVersion(), createdAt, expiresAt: inAnHour(), ...fields };
}

/** The next write of what was written: a new value and version, on a condition or without. */
export function change(
  { id, version, createdAt, expiresAt }: StoredEntry,
  condition?: Condition,
  fields: Partial<Omit<Write, "id">> = {},
): Write {
  const next = {
    id,
    json: JSON.stringify({ changed: token() }),
    version: changedVersion(version),
    createdAt,
    expiresAt,
    ...fields,
  };
  return condition === undefined ? next : { ...next, if: condition };
}

/** Entries whose ids are numbered, in order of their ids. */
export function writtenAs(prefix: string, length: number): readonly Write[] {
  return Array.from({ length }, (_, i) => entry(`${prefix}${String(i).padStart(3, "0")}`));
}
