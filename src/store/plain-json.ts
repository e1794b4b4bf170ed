import { parseJson, toJson, type Value } from "../databank/json.js";

type Members = Record<string, Value>;

/** A copy of parsed JSON that shares nothing with it; several times faster than parsing again. */
export function copyOf(value: Value): Value {
  try {
    return copied(value);
  } catch {
    // Nested deeper than a loop through it can follow. Parsing does not go by the stack.
    return parseJson(toJson(value));
  }
}

function copied(value: Value): Value {
  if (typeof value !== "object" || value === null) return value;
  return isList(value) ? copyOfList(value) : copyOfMembers(value);
}

// Loops, not callbacks: sessions are copied for each request, and these are most of the work.
function copyOfList(list: readonly Value[]): Value[] {
  const copy = list.slice();
  for (let i = 0; i < copy.length; i += 1) {
    const item = copy[i];
    if (typeof item === "object" && item !== null) copy[i] = copied(item);
  }
  return copy;
}

function copyOfMembers(members: Members): Members {
  // Spreading defines properties, so that even `__proto__` is an ordinary one.
  const copy: Members = { ...members };
  for (const name in copy) {
    const member = copy[name];
    if (typeof member === "object" && member !== null) copy[name] = copied(member);
  }
  return copy;
}

/**
 * Whether a live value certainly is what a parsed one says, the order of keys aside.
 *
 * `false` means "perhaps not": of what is more than a plain object or array, such as a `Date`,
 * only its JSON can tell.
 */
export function isSameJson(live: unknown, parsed: Value): boolean {
  try {
    return isSame(live, parsed);
  } catch {
    // Nested too deep for this, and perhaps not for JSON. Or a getter failed, as it will there.
    return false;
  }
}

function isSame(live: unknown, parsed: Value): boolean {
  if (live === parsed) return live !== 0 || Object.is(live, parsed);
  if (typeof live !== "object" || typeof parsed !== "object") return false;
  if (live === null || parsed === null) return false;
  if (isList(parsed)) return Array.isArray(live) && hasItems(live, parsed);
  if (Object.getPrototypeOf(live) !== Object.prototype) return false;
  return hasMembers(live as Record<string, unknown>, parsed as Members);
}

function hasItems(live: readonly unknown[], parsed: readonly Value[]): boolean {
  if (live.length !== parsed.length) return false;
  for (let i = 0; i < parsed.length; i += 1) {
    if (!isSame(live[i], parsed[i] as Value)) return false;
  }
  return true;
}

function hasMembers(live: Record<string, unknown>, parsed: Members): boolean {
  let more = 0;
  for (const name in live) {
    // By other names objects inherit functions, of which JSON has none.
    if (name === "__proto__" && !Object.hasOwn(parsed, name)) return false;
    const value = parsed[name];
    if (value === undefined || !isSame(live[name], value)) return false;
    more += 1;
  }
  for (const _ in parsed) more -= 1;
  return more === 0;
}

/** Whether a value is an object that is no array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: object): value is readonly Value[] {
  return Array.isArray(value);
}
