import { isDeepStrictEqual } from "node:util";
import { parseJson, toJson, type Value } from "../databank/json.js";
import type { CookieJson } from "./cookie.js";

/** The top-level properties of a session, in order, as parsed JSON. */
export type Fields = Map<string, Value>;

/** The properties of a session's JSON text. */
export function fieldsOf(json: string): Fields {
  const value = parseJson(json);
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : new Map();
}

/** JSON text of the properties. Built by hand, because `__proto__` is an ordinary one. */
export function textOf(fields: Fields): string {
  const members = [...fields].map(([name, value]) => `${JSON.stringify(name)}:${toJson(value)}`);
  return `{${members.join(",")}}`;
}

/** The cookie in a session's JSON text. */
export function cookieIn(json: string): CookieJson {
  const split = splitCookie(json);
  const cookie = split ? parseJson(split.cookie) : fieldsOf(json).get("cookie");
  return typeof cookie === "object" && cookie !== null ? (cookie as CookieJson) : {};
}

/** Whether two sessions' JSON texts say the same, cookies and the order of keys aside. */
export function isSameData(a: string, b: string): boolean {
  const [splitA, splitB] = [splitCookie(a), splitCookie(b)];
  if (splitA && splitB) {
    if (splitA.data === splitB.data) return true;
    if (!areRearranged(splitA.data, splitB.data)) return false;
  }
  const [fieldsA, fieldsB] = [fieldsOf(a), fieldsOf(b)];
  fieldsA.delete("cookie");
  fieldsB.delete("cookie");
  return isDeepStrictEqual(fieldsA, fieldsB);
}

/**
 * Whether two different texts may say the same in another order: they have the same characters.
 * Parsing them to find out is what this avoids for most changes.
 */
function areRearranged(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  const start = commonLength(a.length, (length) => a.slice(0, length) === b.slice(0, length));
  const end = commonLength(a.length, (length) => a.slice(-length) === b.slice(-length));
  let difference = 0;
  for (let i = start; i < a.length - end; i += 1) difference += a.charCodeAt(i) - b.charCodeAt(i);
  return difference === 0;
}

/** The greatest length for which two texts are the same: comparing slices is much faster than characters. */
function commonLength(limit: number, isSame: (length: number) => boolean): number {
  let [low, high] = [0, limit];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (isSame(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

const COOKIE_FIRST = '{"cookie":{';
const [QUOTE, BACKSLASH, OPEN, CLOSE] = [0x22, 0x5c, 0x7b, 0x7d];

/**
 * Cuts a session's JSON text behind its cookie, without parsing either part.
 *
 * Sessions are made with the cookie as their first property, and parsing is most of what saving a
 * session costs; any other text gives `null`.
 */
function splitCookie(json: string): { cookie: string; data: string } | null {
  if (!json.startsWith(COOKIE_FIRST)) return null;
  let depth = 0;
  let isInString = false;
  for (let i = COOKIE_FIRST.length - 1; i < json.length; i += 1) {
    const code = json.charCodeAt(i);
    if (isInString) {
      if (code === BACKSLASH) i += 1;
      else if (code === QUOTE) isInString = false;
    } else if (code === QUOTE) isInString = true;
    else if (code === OPEN) depth += 1;
    else if (code === CLOSE) {
      depth -= 1;
      if (depth === 0) {
        return { cookie: json.slice(COOKIE_FIRST.length - 1, i + 1), data: json.slice(i + 1) };
      }
    }
  }
  return null;
}
