import { keyPart, prefixOf, timePart } from "./keys.js";

/** Where an entry is. */
export interface Place {
  readonly type: string;
  /** What the keys of its type begin with. */
  readonly prefix: string;
  /** The part of its keys that stands for its id. */
  readonly idPart: string;
  /** The key of its value, and of what else is known of it. */
  readonly key: string;
}

/** The place of the entry with an id. */
export function placeOf(type: string, id: string): Place {
  return placeAt(type, keyPart("id", id));
}

/** The place of an entry whose part of a key has been found. */
export function placeAt(type: string, idPart: string): Place {
  const prefix = typePrefix(type);
  return { type, prefix, idPart, key: prefix + idPart };
}

/** What the keys of a type begin with. */
export function typePrefix(type: string): string {
  return prefixOf(keyPart("type", type));
}

/** The key of an entry in the order of time. */
export function dueKey({ prefix, idPart }: Place, at: number): string {
  return `${prefix}${timePart(at)}\0${idPart}`;
}

/** The part that stands for an id, of a key in the order of time. */
export function idPartOf(due: string, prefix: string): string {
  return due.slice(prefix.length + timePart(0).length + 1);
}
