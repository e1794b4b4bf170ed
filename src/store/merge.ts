import { isSameValue } from "../databank/criteria.js";
import type { Value } from "../databank/json.js";
import { copyOf } from "./plain-json.js";
import type { Fields } from "./snapshot.js";

/**
 * Decides between two changes of one property. `undefined` stands for "not there", as an argument
 * and as the answer.
 */
export type Resolve = (
  key: string,
  base: Value | undefined,
  mine: Value | undefined,
  theirs: Value | undefined,
) => Value | undefined;

/** What three-way merging needs to know. */
export interface MergeInput {
  /** How my session looked when it was loaded or last saved. */
  readonly base: Fields;
  /** How it looks now. */
  readonly mine: Fields;
  /** What the database holds now. */
  readonly theirs: Fields;
  readonly resolve?: Resolve | undefined;
}

/** Two changes of one property, and whose stayed. */
export interface MergeConflict {
  readonly key: string;
  readonly kept: "mine" | "theirs" | "resolved";
}

/**
 * What the database should hold: theirs, plus what I changed.
 *
 * By top-level property, never deeper: a deep merge of two versions cannot tell a deletion from
 * something that was never there. The cookie is not looked at. Their deletion, or null, beats my
 * change: whoever logged out must stay logged out.
 */
export function merge(input: MergeInput): { fields: Fields; conflicts: MergeConflict[] } {
  const { base, mine, theirs } = input;
  const fields: Fields = new Map(theirs);
  const conflicts: MergeConflict[] = [];
  for (const key of new Set([...base.keys(), ...mine.keys()])) {
    if (key === "cookie" || isSame(base, mine, key)) continue;
    let value = mine.get(key);
    // What an earlier save left as others had it, I have not seen: it counts as just changed.
    if (!isSame(base, theirs, key) && isConflict(input, key)) {
      const kept = keep(input, key);
      conflicts.push({ key, kept });
      if (kept === "theirs") continue;
      if (kept === "resolved") {
        const [was, wanted, found] = [base, mine, theirs].map((each) => copyIn(each, key));
        value = input.resolve?.(key, was, wanted, found);
      }
    }
    if (value === undefined) fields.delete(key);
    else fields.set(key, value);
  }
  return { fields, conflicts };
}

/**
 * Whether two changes need a decision. The same change twice is one change, except to who resolves:
 * two requests that each count one up have counted two.
 */
function isConflict({ mine, theirs, resolve }: MergeInput, key: string): boolean {
  return !isSame(mine, theirs, key) || (resolve !== undefined && !isGone(theirs, key));
}

function keep({ mine, theirs, resolve }: MergeInput, key: string): MergeConflict["kept"] {
  if (isGone(theirs, key) && mine.has(key)) return "theirs";
  return resolve ? "resolved" : "mine";
}

function isGone(fields: Fields, key: string): boolean {
  return (fields.get(key) ?? null) === null;
}

/** What others get may be changed by them. */
function copyIn(fields: Fields, key: string): Value | undefined {
  const value = fields.get(key);
  return value === undefined ? undefined : copyOf(value);
}

function isSame(a: Fields, b: Fields, key: string): boolean {
  return isSameValue(a.get(key), b.get(key));
}
