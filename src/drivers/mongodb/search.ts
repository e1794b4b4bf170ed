import type { Criterion, Schema } from "../../databank/driver.js";
import { parseJson } from "../../databank/json.js";
import { classicField } from "./classic.js";
import { isFieldName, toField } from "./names.js";
import { MAX_DEPTH, toStoredScalar } from "./value.js";

const NUMBER = /^(?:0|[1-9]\d*)$/;

/** What `createIndexes` takes. */
export interface Index {
  readonly key: Readonly<Record<string, 1>>;
  readonly [option: string]: unknown;
}

/**
 * The indexes of the paths that the schema names for a type. They hold documents that have
 * something there, and no others, so that what few documents have costs the others nothing.
 */
export function indicesOf(schema: Schema, type: string): readonly Index[] {
  const paths = Object.hasOwn(schema, type) ? (schema[type]?.indices ?? []) : [];
  const fields = paths.filter(isIndexed).flatMap((path) => [...fieldsOf(path)]);
  return [...new Set(fields)].map((field) => ({
    key: { [field]: 1, _id: 1 },
    partialFilterExpression: { [field]: { $exists: true } },
  }));
}

// MongoDB refuses to index an object under a number in an array, and would refuse the write.
function isIndexed(path: string): boolean {
  return !path.split(".").some((name) => NUMBER.test(name));
}

/** A filter that finds the documents that may satisfy all criteria, those of version 1 included. */
export function filterOf(criteria: readonly Criterion[], pkey: string | undefined): object {
  const conditions = criteria.flatMap(({ path, json }) => {
    const fields = fieldsOf(path);
    // What is nested more deeply than a document may be is not there to be found.
    if (path.split(".").length >= MAX_DEPTH) return [];
    const condition = conditionOf(json);
    const alternatives = [...fields].map((field) => ({ [field]: condition }));
    return { $or: path === pkey ? [...alternatives, { _id: condition }] : alternatives };
  });
  return conditions.length > 0 ? { $and: conditions } : {};
}

// Never the given value itself, where it is an object: operators look like that.
function conditionOf(json: string): object {
  const value = parseJson(json);
  if (Array.isArray(value)) return { $type: "array", $exists: true };
  // MongoDB compares objects with the order of their fields.
  if (typeof value === "object" && value !== null) return { $type: "object", $exists: true };
  return { $eq: toStoredScalar(value), $exists: true };
}

/**
 * The fields that a dotted path may lead to: a property with the whole path as its name, or one
 * with the part before the first full stop and so on inwards, of the values of this driver and of
 * those of version 1.
 */
function fieldsOf(path: string): ReadonlySet<string> {
  const names = path.split(".");
  const fields = new Set<string>();
  for (const i of names.keys()) {
    const properties = [...names.slice(0, i), names.slice(i).join(".")];
    fields.add(["value", ...properties.map(toField)].join("."));
    const classic = properties.map(classicField);
    if (classic.every(isFieldName) && classic[0] !== "_id") fields.add(classic.join("."));
  }
  return fields;
}
