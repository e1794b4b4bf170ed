import { valueAt } from "../../databank/criteria.js";
import type { Schema } from "../../databank/driver.js";
import { parseJson, type Value } from "../../databank/json.js";
import type { Item } from "./client.js";
import { hashOf } from "./key.js";

const READABLE = /^[\w.-]{1,200}$/;

/** The name of the index on a path, which is that of the attribute that it goes by too. */
export function indexName(path: string): string {
  return READABLE.test(path) ? `index.${path}` : `index-${hashOf(path)}`;
}

/** The paths that a schema declares, for whatever type. */
export function pathsOf(schema: Schema): readonly string[] {
  return [...new Set(Object.values(schema).flatMap(({ indices = [] }) => indices))];
}

/** The attributes that the indexes on `paths` go by. What a value does not have is in no index. */
export function indexedAttributes(type: string, paths: readonly string[], json: string): Item {
  if (paths.length === 0) return {};
  let value: unknown;
  try {
    value = parseJson(json);
  } catch {
    return {};
  }
  return Object.fromEntries(
    paths.flatMap((path) => {
      const found = valueAt(value, path);
      return found === undefined ? [] : [[indexName(path), indexKey(type, found as Value)]];
    }),
  );
}

/**
 * What an index holds of a value, and what is searched for: a hash, because a key of an index may
 * have 2048 bytes, because it spreads the entries over the partitions of the index, and because
 * who reads the index need not know who has a session.
 */
export function indexKey(type: string, value: Value): { readonly S: string } {
  return { S: hashOf(JSON.stringify([type, inOrder(value)])) };
}

/** The order of keys does not matter to a search. */
function inOrder(value: Value): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(inOrder);
  const names = Object.keys(value).sort();
  return names.map((name) => [name, inOrder((value as Record<string, Value>)[name] ?? null)]);
}
