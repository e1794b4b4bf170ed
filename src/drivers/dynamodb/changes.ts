import { DatabankError } from "../../databank/errors.js";
import { getItems } from "./batches.js";
import type { Api, Item, Operation } from "./client.js";
import { type Expression, expressed, touchChange, unchangedCondition } from "./conditions.js";
import type { Decide, Decision } from "./decisions.js";
import { isNamed, itemOf, slotError } from "./errors.js";
import { liveEntryOf, type OnUnreadable, toItem } from "./item.js";
import { type Key, toItemKey } from "./key.js";

const MAX_ROUNDS = 50;

/** One conditional operation on one item. */
export interface Request {
  readonly operation: Operation;
  readonly input: object;
}

/** One member of a call, and the key that it is about. */
export interface Addressed<M extends { readonly id: string }> {
  readonly member: M;
  readonly key: Key;
}

/** What kind of change a call is. */
export interface Change<M, R> {
  /** What to try without looking first, or `undefined` where that cannot be. */
  attempt(member: M, key: Key): { readonly request: Request; readonly answer: R } | undefined;
  /** The answer to a refused attempt, where it needs no look at what is there. */
  readonly refusal?: R;
  readonly decide: Decide<M, R>;
}

/** What changes are made on. */
export interface Place {
  readonly api: Api;
  readonly table: string;
  /** The attributes that the indexes of a type go by, for a value as JSON. */
  readonly indexed: (json: string) => Item;
  readonly onUnreadable: OnUnreadable;
}

/** A member whose change was not made at once, and what is there: `undefined` is unknown. */
interface Attempt<M extends { readonly id: string }> extends Addressed<M> {
  readonly position: number;
  seen: Item | null | undefined;
}

/**
 * Changes items, each on a condition of its own: first as if all were as it most often is, then by
 * what is there.
 */
export async function changeItems<M extends { readonly id: string }, R>(
  place: Place,
  members: readonly Addressed<M>[],
  { attempt, refusal, decide }: Change<M, R>,
): Promise<(R | Error)[]> {
  const results = new Array<R | Error>(members.length);
  const attempts = members.map(
    ({ member, key }, position): Attempt<M> => ({ member, key, position, seen: undefined }),
  );
  let pending = await refused(attempts, (each) => {
    const first = attempt(each.member, each.key);
    return first && tryOnce(place, each, first.request, first.answer);
  });
  if (refusal !== undefined) {
    for (const { position } of pending) results[position] = refusal;
    return results;
  }
  for (let round = 0; pending.length > 0; round += 1) {
    const error = await look(place, pending).catch(slotError);
    const isUnseen = ({ seen }: Attempt<M>) => seen === undefined;
    // The others have been told apart already, or even changed.
    if (error) for (const { position } of pending.filter(isUnseen)) results[position] = error;
    pending = pending.filter((each) => !isUnseen(each));
    pending = await refused(pending, (each) => {
      const { key, member, seen = null } = each;
      const current = liveEntryOf(seen, key.fullId, place.onUnreadable);
      const decision = decide(member, current, seen !== null);
      const request = requestFor(place, key, seen, decision);
      if (request && round < MAX_ROUNDS) return tryOnce(place, each, request, decision.answer);
      return Promise.resolve(request ? tooSlow() : { answer: decision.answer });
    });
  }
  return results;

  /** Does something with each, at once, and returns those that were refused. */
  async function refused(
    attempts: readonly Attempt<M>[],
    task: (each: Attempt<M>) => Promise<Outcome<R>> | undefined,
  ): Promise<Attempt<M>[]> {
    const outcomes = await Promise.all(attempts.map((each) => task(each)));
    return attempts.filter(({ position }, i) => {
      const outcome = outcomes[i];
      if (outcome === undefined || outcome === "refused") return true;
      results[position] = outcome instanceof Error ? outcome : outcome.answer;
      return false;
    });
  }
}

type Outcome<R> = { readonly answer: R } | "refused" | Error;

async function tryOnce<M extends { readonly id: string }, R>(
  { api, table }: Place,
  attempt: Attempt<M>,
  { operation, input }: Request,
  answer: R,
): Promise<Outcome<R>> {
  try {
    await api.call(operation, {
      TableName: table,
      ...input,
      // Not every server does; where nothing is there, none does.
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    return { answer };
  } catch (error) {
    if (!isNamed(error, "ConditionalCheckFailedException")) return slotError(error);
    attempt.seen = itemOf(error);
    return "refused";
  }
}

/** Finds out what is there in one trip, where the refusal did not say. */
async function look<M extends { readonly id: string }>(
  { api, table }: Place,
  attempts: readonly Attempt<M>[],
): Promise<void> {
  const unknown = attempts.filter(({ seen }) => seen === undefined);
  const items = await getItems(
    api,
    table,
    unknown.map(({ key }) => key),
  );
  for (const [i, attempt] of unknown.entries()) attempt.seen = items[i] ?? null;
}

function requestFor<R>(
  place: Place,
  key: Key,
  seen: Item | null,
  { store, moveTo, remove }: Decision<R>,
): Request | undefined {
  const condition = unchangedCondition(seen);
  if (store) return putRequest(toItem(store, key, place.indexed(store.json)), condition);
  if (moveTo !== undefined) return touchRequest(key, moveTo, condition);
  return remove ? deleteRequest(key, condition) : undefined;
}

/** Stores an item on a condition. */
export function putRequest(item: Item, condition: Expression | undefined): Request {
  return { operation: "PutItem", input: { Item: item, ...expressed(condition) } };
}

/** Moves a deadline on a condition. */
export function touchRequest(key: Key, expiresAt: number | null, condition: Expression): Request {
  const change = touchChange(expiresAt);
  return {
    operation: "UpdateItem",
    input: { Key: toItemKey(key), ...expressed(condition, change) },
  };
}

/** Deletes an item on a condition. */
export function deleteRequest(key: Key, condition: Expression): Request {
  return { operation: "DeleteItem", input: { Key: toItemKey(key), ...expressed(condition) } };
}

function tooSlow(): DatabankError {
  return new DatabankError(`Others changed the entry ${MAX_ROUNDS} times in the meantime`, {
    code: "DATABANK_CONFLICT",
  });
}
