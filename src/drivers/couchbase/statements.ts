import { createHash } from "node:crypto";
import type { Criterion, Schema } from "../../databank/driver.js";

/** A statement of SQL++, with the values of its named parameters. */
export interface Statement {
  readonly statement: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

// A name that can stand in a statement and in JSON as it is.
const PLAIN_NAME = /^[^\\\p{Cc}\p{Surrogate}]+$/u;
const NUMBER = /^(?:0|[1-9]\d*)$/;

/** The indexes that listings and searches need. */
export function indexesFor(keyspace: string, schema: Schema): readonly string[] {
  const keys = Object.values(schema).flatMap(({ indices = [] }) =>
    indices.flatMap((path) => {
      const key = keyAt("", path);
      return key === undefined ? [] : [key];
    }),
  );
  const searched = [...new Set(keys)].map((key) => {
    const hash = createHash("sha256").update(key).digest("hex").slice(0, 12);
    return create(`databank_search_${hash}`, keyspace, `\`type\`, ${key}, META().id`);
  });
  return [create("databank_type", keyspace, "`type`, META().id"), ...searched];
}

function create(name: string, keyspace: string, keys: string): string {
  return `CREATE INDEX \`${name}\` IF NOT EXISTS ON ${keyspace} (${keys})`;
}

/**
 * The keys of documents of a type, in order.
 *
 * @param start - What they begin with; its last character is a colon.
 * @param cursor - The key to go on after.
 */
export function keysOf(
  keyspace: string,
  type: string,
  start: string,
  { limit, cursor }: { readonly limit: number; readonly cursor: string | null },
  criteria: readonly Criterion[] = [],
): Statement {
  const conditions = criteria.flatMap(({ path, json }, i) => conditionAt(path, json, `$v${i}`));
  const values = criteria.map(({ json }, i): [string, unknown] => [`v${i}`, JSON.parse(json)]);
  const where = [...within(cursor === null ? ">=" : ">"), ...conditions].join(" AND ");
  return {
    statement: `SELECT RAW META(d).id FROM ${keyspace} AS d WHERE ${where} ORDER BY META(d).id LIMIT $limit`,
    parameters: {
      ...Object.fromEntries(values),
      type,
      from: cursor ?? start,
      to: endOf(start),
      limit,
    },
  };
}

/** How many documents of a type have a deadline that is ahead. */
export function countOf(keyspace: string, type: string, start: string, now: number): Statement {
  const where = [...within(">="), "(d.expiresAt IS NULL OR d.expiresAt > $now)"].join(" AND ");
  return {
    statement: `SELECT RAW COUNT(*) FROM ${keyspace} AS d WHERE ${where}`,
    parameters: { type, from: start, to: endOf(start), now },
  };
}

// The type is what the index knows; the keys are what tells it from every other type and prefix.
function within(from: string): readonly string[] {
  return ["d.`type` = $type", `META(d).id ${from} $from`, "META(d).id < $to"];
}

// A semicolon is the character after the colon.
function endOf(start: string): string {
  return `${start.slice(0, -1)};`;
}

/** A condition that the value at a path meets if it is the one in question. */
function conditionAt(path: string, json: string, parameter: string): readonly string[] {
  const key = keyAt("d.", path);
  // What contains others is for the databank to compare.
  if (key === undefined || /^[[{]/.test(json)) return [];
  if (json === "null") return [`${key} IS NULL`];
  // The query service replaces half of a surrogate pair.
  return /\\u[dD]/.test(json) ? [] : [`${key} = ${parameter}`];
}

/**
 * The value at a dotted path as the databank finds it: that of a property with the whole path as
 * its name, or else of one with the part before the first full stop, and so on inwards.
 */
function keyAt(alias: string, path: string): string | undefined {
  const names = path.split(".");
  if (!names.every((name) => PLAIN_NAME.test(name))) return undefined;
  const places: string[] = [];
  let inside = [`${alias}\`value\``];
  for (const [i, name] of names.entries()) {
    const rest = names.slice(i).join(".");
    places.push(...inside.flatMap((place) => steps(place, rest)));
    inside = inside.flatMap((place) => steps(place, name));
  }
  const distinct = [...new Set(places)];
  return distinct.length === 1 ? distinct[0] : `IFMISSING(${distinct.join(", ")})`;
}

// A whole number is the name of a property, or leads into an array.
function steps(place: string, name: string): readonly string[] {
  const property = `${place}.\`${name.replaceAll("`", "``")}\``;
  return NUMBER.test(name) ? [property, `${place}[${name}]`] : [property];
}
