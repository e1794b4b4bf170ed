import { randomUUID } from "node:crypto";
import { DatabankError } from "./errors.js";

/** What a databank stores: any JSON value. */
export type Value =
  | null
  | boolean
  | number
  | string
  | readonly Value[]
  | { readonly [key: string]: Value };

/**
 * JSON text of a value, which {@link parseJson} turns into an equal one.
 *
 * `JSON.stringify` with two differences: negative zero stays negative, and what has no JSON
 * form at all (`undefined`, a function, a symbol) is an error instead of `undefined`.
 *
 * @throws DatabankError `DATABANK_INVALID_VALUE` for what JSON cannot hold: those, cycles, bigints,
 *   some thousand levels.
 */
export function toJson(value: unknown): string {
  const json = jsonOf(value);
  if (json !== undefined) return json;
  throw new DatabankError(
    `The value cannot be stored, because JSON has no ${typeof value}; store null instead`,
    { code: "DATABANK_INVALID_VALUE" },
  );
}

/**
 * The same, but `undefined` for what has no JSON form, and is left out of objects.
 *
 * @throws DatabankError `DATABANK_INVALID_VALUE` for cycles and bigints.
 */
export function jsonOf(value: unknown): string | undefined {
  try {
    const json: string | undefined = JSON.stringify(value);
    const isExact = json === undefined || !maybeHasZero(json) || !hasNegativeZero(value);
    return isExact ? json : withNegativeZeros(value);
  } catch (cause) {
    throw new DatabankError(
      "The value cannot be stored, because JSON cannot hold it: it may contain itself or a bigint, or be nested too deep",
      { code: "DATABANK_INVALID_VALUE", cause },
    );
  }
}

// Zero and negative zero look the same in JSON. Searching for three texts is many times faster than
// a pattern that would find neither 0.5 nor what stands in strings.
function maybeHasZero(json: string): boolean {
  return json === "0" || json.includes(":0") || json.includes(",0") || json.includes("[0");
}

// A look is several times cheaper than the replacer below, which most values do not need.
function hasNegativeZero(value: unknown): boolean {
  if (typeof value === "number") return Object.is(value, -0);
  if (typeof value !== "object" || value === null) return false;
  if ("toJSON" in value && typeof value.toJSON === "function") {
    return hasNegativeZero(value.toJSON(""));
  }
  if (Array.isArray(value)) return value.some(hasNegativeZero);
  const members = value as Record<string, unknown>;
  // Inherited ones do no harm: the worst is that the replacer looks in vain.
  for (const name in members) if (hasNegativeZero(members[name])) return true;
  return false;
}

function withNegativeZeros(value: unknown): string {
  let mark: string | undefined;
  const json = JSON.stringify(value, (_key, member: unknown) => {
    if (!Object.is(member, -0)) return member;
    mark ??= randomUUID();
    return mark;
  });
  return mark === undefined ? json : json.replaceAll(`"${mark}"`, "-0");
}

/** The value of a JSON text. `__proto__` becomes an ordinary property. */
export function parseJson(json: string): Value {
  const value: unknown = JSON.parse(json);
  return value as Value;
}
