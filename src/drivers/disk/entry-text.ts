import type { StoredEntry } from "../../databank/driver.js";
import { toJson } from "../../databank/json.js";

// Inside a string of JSON no quotation mark stands without a backslash before it, so the first
// place that looks like this is what it seems to be.
const VALUE = ',"value":';
const END = "}\n";

/** The text of an entry's file: one line of JSON that holds the JSON of the value as it is. */
export function toText(type: string, entry: StoredEntry): string {
  const { id, version, createdAt, expiresAt, json } = entry;
  const header = JSON.stringify({ id, type, version, createdAt, expiresAt });
  return header.slice(0, -1) + VALUE + json + END;
}

/**
 * The entry in the text of a file, with the deadline of its last write.
 *
 * Text that a person has rearranged will do, as long as all parts are there.
 *
 * @returns `null` for text that holds no entry of this type.
 */
export function fromText(type: string, text: string): StoredEntry | null {
  return asWritten(type, text) ?? rearranged(type, text);
}

function asWritten(type: string, text: string): StoredEntry | null {
  const at = text.indexOf(VALUE);
  if (at === -1 || !text.endsWith(END)) return null;
  const header = parse(`${text.slice(0, at)}}`);
  const json = text.slice(at + VALUE.length, -END.length);
  return isHeader(type, header) && parse(json) !== undefined ? toEntry(header, json) : null;
}

function rearranged(type: string, text: string): StoredEntry | null {
  const whole = parse(text);
  if (!isHeader(type, whole) || !Object.hasOwn(whole, "value")) return null;
  return toEntry(whole, toJson(whole.value));
}

interface Header {
  readonly id: string;
  readonly version: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly value?: unknown;
}

function toEntry({ id, version, createdAt, expiresAt }: Header, json: string): StoredEntry {
  return { id, json, version, createdAt, expiresAt };
}

function isHeader(type: string, value: unknown): value is Header {
  if (typeof value !== "object" || value === null) return false;
  const header = value as Record<string, unknown>;
  return (
    header.type === type &&
    typeof header.id === "string" &&
    typeof header.version === "string" &&
    typeof header.createdAt === "number" &&
    (header.expiresAt === null || typeof header.expiresAt === "number")
  );
}

/** `undefined` for what is not JSON. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
