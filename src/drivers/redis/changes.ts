import type { Deletion, StoredEntry, Write, WriteResult } from "../../databank/driver.js";
import { foreignVersion } from "../../databank/version.js";
import { withoutCommand } from "./connection.js";
import type { Entries, EntriesParts } from "./entries.js";
import { isForeign, marksOf, NEVER, toExpiry, toText, withTimeLeft } from "./entry-text.js";
import { DELETE, isOne, runOnEach, type Script, TOUCH, WRITE } from "./scripts.js";

/** A write with its deadline in digits. */
export interface Storing {
  readonly write: Write;
  readonly digits: string;
  /** Where the entry is in indices: until when, in digits, and how long their periods are. */
  readonly indexed?: { readonly until: string; readonly periodMs: number } | undefined;
}

/** A deadline that would stay, in digits. */
export interface LaterDeadline {
  readonly later: string;
}

/** A touch with its deadline in digits. */
export interface Touching {
  readonly id: string;
  readonly digits: string;
  /** The length of the periods of the indices that the entry is in. */
  readonly periodMs?: number | undefined;
  /** The version that the indices have until that deadline. */
  readonly indexed?: string | undefined;
}

/** Changes of entries: each is a command, or a part of one, on its one key. */
export class Changes {
  readonly #parts: EntriesParts;
  readonly #entries: Entries;

  constructor(parts: EntriesParts, entries: Entries) {
    this.#parts = parts;
    this.#entries = entries;
  }

  /**
   * Stores each entry where its condition holds. Gives the digits of a later deadline, with nothing
   * stored, if that would stay and is beyond what indices have.
   */
  async store(
    type: string,
    members: readonly Storing[],
  ): Promise<readonly (WriteResult | LaterDeadline)[]> {
    const plain = members.filter(isPlain);
    if (plain.length === 0) return this.#storeIf(type, members);
    const conditional = members.filter((member) => !isPlain(member));
    const [first, second] = await Promise.all([
      Promise.all(plain.map((member) => this.#set(type, member).catch(withoutCommand))),
      conditional.length > 0 ? this.#storeIf(type, conditional) : [],
    ]);
    const results = new Map<Storing, WriteResult | LaterDeadline>();
    for (const [i, member] of plain.entries()) results.set(member, first[i] ?? NOTHING);
    for (const [i, member] of conditional.entries()) results.set(member, second[i] ?? NOTHING);
    return members.map((member) => results.get(member) ?? NOTHING);
  }

  /**
   * Moves deadlines forward, and gives whether each entry was live. Where indices have the entry in
   * another version, and its deadline would come into another period, it gives the entry, with
   * nothing moved.
   */
  async touch(
    type: string,
    members: readonly Touching[],
  ): Promise<readonly (boolean | StoredEntry | Error)[]> {
    const args: string[] = [];
    for (const { digits, periodMs, indexed } of members) {
      args.push(digits, periodMs === undefined ? "" : String(periodMs));
      if (indexed === undefined) args.push("", "");
      else args.push(...marksOf(indexed));
    }
    const ids = members.map(({ id }) => id);
    const replies = await this.#run(TOUCH, type, ids, args);
    const { clock } = this.#parts;
    const offset = clock.offset();
    const offsetMs = typeof offset === "number" ? offset : await offset;
    return replies.map((reply, i) => {
      if (reply instanceof Error) return reply;
      if (!Array.isArray(reply)) return isOne(reply);
      return this.#entries.toEntry(type, ids[i] ?? "", String(reply[0]), offsetMs) ?? false;
    });
  }

  async del(type: string, { id, if: version }: Deletion): Promise<boolean> {
    const { connection, keys } = this.#parts;
    const key = keys.entry(type, id);
    if (version === undefined) return Number(await connection.send(key, ["UNLINK", key])) === 1;
    const [reply] = await this.#run(DELETE, type, [id], marksOf(version));
    if (reply instanceof Error) throw reply;
    return isOne(reply);
  }

  /** Stores without looking, or where nothing is: for that Redis has a command of its own. */
  async #set(type: string, member: Storing): Promise<WriteResult | LaterDeadline> {
    const { connection, keys } = this.#parts;
    const { write, digits } = member;
    const key = keys.entry(type, write.id);
    const args = ["SET", key, toText(write, digits)];
    if (digits !== NEVER) args.push("PXAT", toExpiry(digits));
    if (write.if === "absent") args.push("NX");
    if ((await connection.send(key, args)) !== null) return "done";
    const [result = NOTHING] = await this.#storeIf(type, [member]);
    return result;
  }

  async #storeIf(
    type: string,
    members: readonly Storing[],
  ): Promise<readonly (WriteResult | LaterDeadline)[]> {
    const args: string[] = [];
    for (const { write, digits, indexed } of members) {
      args.push(toText(write, digits), digits);
      args.push(...conditionArguments(write.if), write.extend ? "1" : "");
      if (indexed) args.push(indexed.until, String(indexed.periodMs));
      else args.push("", "");
    }
    const ids = members.map(({ write }) => write.id);
    const replies = await this.#run(WRITE, type, ids, args);
    if (replies.every(isOne)) return members.map(() => "done");
    const offsetMs = await this.#parts.clock.offset();
    return Promise.all(
      members.map((member, i) => this.#stored(type, member, replies[i], offsetMs)),
    );
  }

  /** What a reply to {@link WRITE} says. */
  async #stored(
    type: string,
    member: Storing,
    reply: unknown,
    offsetMs: number,
  ): Promise<WriteResult | LaterDeadline> {
    if (reply instanceof Error) return reply;
    if (isOne(reply)) return "done";
    if (!Array.isArray(reply)) return { later: String(reply) };
    const [there, left] = reply;
    if (typeof there !== "string") return NOTHING;
    const { write } = member;
    const entry = this.#entries.toEntry(type, write.id, there, offsetMs);
    if (entry) {
      return { conflict: isForeign(entry) ? withTimeLeft(entry, Number(left)) : entry };
    }
    // What makes no sense counts as missing, and so it is replaced.
    const replacing = { ...member, write: { ...write, if: foreignVersion(there) } };
    const [result = NOTHING] = await this.#storeIf(type, [replacing]);
    return result;
  }

  /** Runs a script on entries: all by one command where one server holds them. */
  async #run(
    script: Script,
    type: string,
    ids: readonly string[],
    args: readonly string[],
  ): Promise<readonly unknown[]> {
    const { connection, keys, isCluster } = this.#parts;
    const names = ids.map((id) => keys.entry(type, id));
    if (!isCluster) return runOnEach(connection, script, names, args);
    const count = args.length / names.length;
    return Promise.all(
      names.map(async (name, i) => {
        const own = args.slice(i * count, (i + 1) * count);
        const [reply] = await runOnEach(connection, script, [name], own).catch((error) => [
          withoutCommand(error),
        ]);
        return reply;
      }),
    );
  }
}

const NOTHING = { conflict: null } as const;

function isPlain({ write }: Storing): boolean {
  return write.if === "absent" || (write.if === undefined && !write.extend);
}

function conditionArguments(condition: string | undefined): [string, string, string] {
  if (condition === undefined) return ["any", "", ""];
  if (condition === "absent" || condition === "present") return [condition, "", ""];
  return ["version", ...marksOf(condition)];
}
