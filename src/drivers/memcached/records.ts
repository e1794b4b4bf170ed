import type { Read } from "../../databank/driver.js";
import { Commands } from "./commands.js";
import type { Decide, Decision } from "./decisions.js";
import type { Key } from "./key.js";
import type { Link } from "./link.js";
import type { Seen } from "./recent.js";
import { fromRecord } from "./record.js";
import { refusal, tooSlow, withoutCas } from "./refusals.js";
import { casOf, type Reply } from "./reply.js";

const MAX_ROUNDS = 100;

/** One member of a call, and the key that it is about. */
export interface Addressed<M extends { readonly id: string }> {
  readonly member: M;
  readonly key: Key;
}

/** A member on its way to an answer. */
interface Attempt<M extends { readonly id: string }, R> extends Addressed<M> {
  readonly place: number;
  /** `undefined` means unknown. */
  seen: Seen | null | undefined;
  /** Whether memcached said so in this call, rather than in an earlier one. */
  isFresh: boolean;
  decision: Decision<R> | undefined;
}

/** Told of a record that cannot be read. */
export type OnUnreadable = (cause: unknown) => void;

/**
 * Gets records in one trip. Of one whose version the reader knows, and this process has seen, only
 * the number is asked for: if it is still the same, so is the record, and else there is a second
 * trip.
 */
export async function readRecords(
  link: Link,
  members: readonly Addressed<Read>[],
  onUnreadable: OnUnreadable,
): Promise<(Seen | null | Error)[]> {
  const commands = new Commands();
  const known = members.map(({ member, key }) => {
    const seen = member.known === undefined ? undefined : link.recent.get(key.text);
    const isKnown = seen?.entry?.version === member.known;
    if (isKnown && seen) commands.look(key);
    else commands.get(key);
    return isKnown ? seen : undefined;
  });
  const replies = await link.send(commands);
  const results = new Array<Seen | null | Error>(members.length);
  const changed: { readonly place: number; readonly each: Addressed<Read> }[] = [];
  for (const [place, each] of members.entries()) {
    const [reply, seen] = [replies[place], known[place]];
    const isThere = seen !== undefined && reply?.code === "HD";
    if (isThere && casOf(reply) === seen.cas) results[place] = seen;
    else if (isThere) changed.push({ place, each });
    else results[place] = seenIn(link, each.key, each.member.id, reply, onUnreadable);
  }
  if (changed.length === 0) return results;
  const whole = changed.map(({ each: { key, member } }) => ({ key, member: { id: member.id } }));
  const found = await readRecords(link, whole, onUnreadable);
  for (const [i, { place }] of changed.entries()) results[place] = found[i] ?? null;
  return results;
}

/**
 * Changes records: one trip for each that is as it was last seen, or about which there is nothing
 * to know, and two more for each time that somebody else was faster.
 *
 * @param guess - What to assume of a member whose record was not seen.
 */
export async function changeRecords<M extends { readonly id: string }, R>(
  link: Link,
  members: readonly Addressed<M>[],
  decide: Decide<M, R>,
  guess: (member: M) => "absent" | "any" | "unknown",
  onUnreadable: OnUnreadable,
): Promise<(R | Error)[]> {
  const results = new Array<R | Error>(members.length);
  let pending = members.map(({ member, key }, place): Attempt<M, R> => {
    const seen = link.recent.get(key.text);
    const isAbsent = !seen && guess(member) === "absent";
    return {
      member,
      key,
      place,
      seen: isAbsent ? null : seen,
      isFresh: false,
      decision: undefined,
    };
  });
  for (let round = 0; pending.length > 0; round += 1) {
    if (round === MAX_ROUNDS) {
      for (const { place } of pending) results[place] = tooSlow(MAX_ROUNDS);
      break;
    }
    pending = await oneRound(link, pending, { decide, guess, results, onUnreadable });
  }
  return results;
}

interface Rounds<M, R> {
  readonly decide: Decide<M, R>;
  readonly guess: (member: M) => "absent" | "any" | "unknown";
  readonly results: (R | Error)[];
  readonly onUnreadable: OnUnreadable;
}

/** Sends the next command of each member, and returns the members that need another. */
async function oneRound<M extends { readonly id: string }, R>(
  link: Link,
  pending: readonly Attempt<M, R>[],
  { decide, guess, results, onUnreadable }: Rounds<M, R>,
): Promise<Attempt<M, R>[]> {
  const commands = new Commands();
  const asked = pending.filter((attempt) => {
    const { member, key, seen, place } = attempt;
    const isKnown = seen !== undefined || guess(member) === "any";
    const decision = isKnown ? decide(member, seen) : undefined;
    const changes = decision?.store !== undefined || decision?.remove === true;
    if (decision && !changes && attempt.isFresh) {
      results[place] = decision.answer;
      return false;
    }
    // That nothing is to be done is no answer as long as it goes by a guess.
    attempt.decision = changes ? decision : undefined;
    if (attempt.decision) addChange(commands, key, seen, attempt.decision);
    else commands.get(key);
    return true;
  });
  if (asked.length === 0) return [];
  const replies = await link.send(commands);
  return asked.filter((attempt, i) => {
    const { key, member, decision, place } = attempt;
    const reply = replies[i];
    if (!decision) {
      const seen = seenIn(link, key, member.id, reply, onUnreadable);
      if (seen instanceof Error) {
        results[place] = seen;
        return false;
      }
      attempt.seen = seen;
      attempt.isFresh = true;
      return true;
    }
    const outcome = outcomeOf(link, key, decision, reply);
    if (outcome !== "changed") {
      results[place] = outcome === "done" ? decision.answer : outcome;
      return false;
    }
    attempt.seen = undefined;
    attempt.isFresh = false;
    return true;
  });
}

function addChange<R>(
  commands: Commands,
  key: Key,
  seen: Seen | null | undefined,
  { store, isAnyway }: Decision<R>,
): void {
  const guard = isAnyway ? "any" : (seen ?? "absent");
  if (store) commands.store(key, store, guard);
  else commands.delete(key, guard);
}

/** What a get has found: `null` is nothing. */
function seenIn(
  link: Link,
  key: Key,
  id: string,
  reply: Reply | undefined,
  onUnreadable: OnUnreadable,
): Seen | null | Error {
  if (reply?.data === undefined) {
    link.recent.delete(key.text);
    return reply?.code === "EN" ? null : refusal(reply);
  }
  const cas = casOf(reply);
  if (cas === "" || cas === "0") return withoutCas();
  let seen: Seen = { cas, entry: null };
  try {
    seen = { cas, entry: fromRecord(reply.data, id, key) };
  } catch (cause) {
    onUnreadable(cause);
  }
  link.recent.set(key.text, seen);
  return seen;
}

/** Whether a change was carried out, or the record is not as it was seen. */
function outcomeOf<R>(
  link: Link,
  key: Key,
  { store, isAnyway }: Decision<R>,
  reply: Reply | undefined,
): "done" | "changed" | Error {
  const code = reply?.code;
  const cas = reply && casOf(reply);
  if (store && code === "HD" && cas) link.recent.set(key.text, { cas, entry: store });
  else link.recent.delete(key.text);
  if (code === "HD" || (code === "NF" && isAnyway)) return "done";
  return code === "EX" || code === "NF" || code === "NS" ? "changed" : refusal(reply);
}
