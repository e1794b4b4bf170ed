import type { Parameter } from "./client.js";
import { MAX_BATCH, sizeFor } from "./statements.js";
import { idKey } from "./text.js";

/** Members of a call that go with one statement, filled up to the size of one. */
export interface Batch<M> {
  readonly members: readonly M[];
  readonly size: number;
  /** The keys of the members in their order, and again the last one. */
  readonly keys: readonly string[];
}

/** Applies a statement to as many members at a time as it takes, and joins the results. */
export async function inBatches<M extends { readonly id: string }, R>(
  members: readonly M[],
  apply: (batch: Batch<M>) => Promise<readonly R[]>,
): Promise<readonly R[]> {
  if (members.length <= MAX_BATCH) return apply(batchOf(members));
  const results: R[] = [];
  for (let i = 0; i < members.length; i += MAX_BATCH) {
    results.push(...(await apply(batchOf(members.slice(i, i + MAX_BATCH)))));
  }
  return results;
}

/** Fills members up to the size of a statement. */
export function batchOf<M extends { readonly id: string }>(members: readonly M[]): Batch<M> {
  const keys = members.map(({ id }) => idKey(id));
  return { members, size: sizeFor(keys.length), keys: filled(keys) };
}

/** Texts, and again the last one, up to the size of a statement. */
export function filled(texts: readonly string[]): readonly string[] {
  const missing = sizeFor(texts.length) - texts.length;
  return missing === 0 ? texts : [...texts, ...Array<string>(missing).fill(texts.at(-1) ?? "")];
}

/** The parameters that give each row a value of its own; see `own` in statements.ts. */
export function own<M>(
  { keys, members, size }: Batch<M>,
  valueFor: (member: M) => Parameter,
): readonly Parameter[] {
  const values = members.map(valueFor);
  if (size === 1) return values;
  // A key that is there again is found at its first place.
  return [...keys, ...values, ...Array<null>(size - values.length).fill(null)];
}
