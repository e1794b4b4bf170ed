import { isDeepStrictEqual } from "node:util";
import type { Criterion } from "./driver.js";
import { jsonOf, parseJson, toJson, type Value } from "./json.js";
import { invalidOption } from "./options.js";

/**
 * What a search looks for: the value at each dotted path. All must be equal, type included; the
 * order of keys in objects does not matter. There are no operators.
 */
export type Criteria = Readonly<Record<string, unknown>>;

const INDEX = /^(?:0|[1-9]\d*)$/;

/** A search, prepared: what a driver may be asked for, and the decision about each entry. */
export class Matcher {
  readonly criteria: readonly Criterion[];
  readonly #wanted: readonly (readonly [path: string, value: Value])[];

  /** @throws DatabankError `DATABANK_INVALID_OPTION`, and `DATABANK_INVALID_VALUE`. */
  constructor(criteria: Criteria) {
    if (typeof criteria !== "object" || criteria === null || Array.isArray(criteria)) {
      throw invalidOption(
        'The criteria of a search must be an object, such as { "user.id": 7 }, or {} for all',
      );
    }
    this.criteria = Object.entries(criteria).map(([path, value]) => ({
      path,
      json: toJson(value),
    }));
    this.#wanted = this.criteria.map(({ path, json }) => [path, parseJson(json)]);
  }

  matches(value: unknown): boolean {
    return this.#wanted.every(([path, wanted]) => {
      const found = valueAt(value, path);
      return found !== undefined && isSameValue(found, wanted);
    });
  }
}

/**
 * The value at a dotted path, or `undefined` where there is none.
 *
 * A property whose name is the whole path wins; else the path leads inwards at its first full
 * stop. A whole number leads into an array.
 */
export function valueAt(value: unknown, path: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  const own = ownValue(value, path);
  if (own !== undefined) return own;
  const stop = path.indexOf(".");
  if (stop === -1) return undefined;
  return valueAt(ownValue(value, path.slice(0, stop)), path.slice(stop + 1));
}

function ownValue(value: object, name: string): unknown {
  // An array's length is not one of its items.
  if (Array.isArray(value) && !INDEX.test(name)) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

/** Whether two JSON values are the same, the order of keys aside; `undefined` is none. */
export function isSameValue(a: unknown, b: unknown): boolean {
  try {
    return isDeepStrictEqual(a, b);
  } catch {
    // Nested deeper than it can follow, though not too deep for JSON, where the order counts.
    return jsonOf(a) === jsonOf(b);
  }
}
