import type { Schema } from "./driver.js";
import { checkNames, duration, invalidOption, similarTo, wholeNumber } from "./options.js";
import type { DriverOptions } from "./registry.js";

/** What a databank can be told, whatever its driver. */
export interface DatabankOptions {
  /**
   * How long one call may take, in milliseconds, from 1; it then fails with `DATABANK_TIMEOUT`.
   * @default 5000
   */
  readonly timeoutMs?: number;
  /**
   * How many calls may wait or be under way, from 1; one more fails with `DATABANK_QUEUE_FULL`.
   * @default 10_000
   */
  readonly maxPending?: number;
  /**
   * Which paths of which types are indexed, and which property holds the id.
   * @default {}
   */
  readonly schema?: Schema;
}

const NAMES = ["timeoutMs", "maxPending", "schema"];
const TYPE_NAMES = ["pkey", "indices", "fields"];

/** Options with their defaults filled in and checked. */
export function resolveOptions(options: DatabankOptions): Required<DatabankOptions> {
  checkNames("Databank", options, NAMES);
  const { timeoutMs = 5000, maxPending = 10_000 } = options;
  return {
    timeoutMs: duration("timeoutMs", timeoutMs, 1),
    maxPending: wholeNumber("maxPending", maxPending, 1),
    schema: checkSchema(options.schema ?? {}),
  };
}

/**
 * Tells the databank's own options from its driver's, which share one object.
 *
 * @throws DatabankError `DATABANK_INVALID_OPTION`.
 */
export function splitOptions(options: DriverOptions): {
  own: DatabankOptions;
  driver: DriverOptions;
} {
  for (const name of Object.keys(options)) {
    // Only the case of the letters: an option of a driver may well resemble one of these.
    const own = NAMES.find((each) => each.toLowerCase() === name.toLowerCase());
    if (own !== undefined && own !== name) {
      throw invalidOption(`A databank has no option ${name}; did you mean ${own}?`);
    }
  }
  const isOwn = ([name]: [string, unknown]) => NAMES.includes(name);
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return {
    own: Object.fromEntries(entries.filter(isOwn)),
    driver: Object.fromEntries(entries.filter((entry) => !isOwn(entry))),
  };
}

/**
 * The same schema: programs of the first generation add to it after they have handed it over.
 *
 * @throws DatabankError `DATABANK_INVALID_OPTION`.
 */
export function checkSchema(schema: unknown): Schema {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) {
    throw invalidOption('schema must be an object, such as { session: { indices: ["user.id"] } }');
  }
  for (const [type, declared] of Object.entries(schema)) checkTypeSchema(type, declared);
  return schema as Schema;
}

function checkTypeSchema(type: string, declared: unknown): void {
  const name = `schema[${JSON.stringify(type)}]`;
  if (typeof declared !== "object" || declared === null) {
    throw invalidOption(`${name} must be an object, such as { indices: ["user.id"] }`);
  }
  // What else programs keep in their schema is theirs, unless they meant one of ours.
  for (const key of Object.keys(declared)) {
    const similar = TYPE_NAMES.includes(key) ? undefined : similarTo(key, TYPE_NAMES);
    if (similar) throw invalidOption(`${name} has no ${key}; did you mean ${similar}?`);
  }
  const indices: unknown = "indices" in declared ? declared.indices : [];
  if (!Array.isArray(indices) || indices.some((path) => typeof path !== "string")) {
    throw invalidOption(`${name}.indices must be an array of dotted paths, such as ["user.id"]`);
  }
}
