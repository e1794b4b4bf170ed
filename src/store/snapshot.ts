import { isSameValue } from "../databank/criteria.js";
import { DatabankError } from "../databank/errors.js";
import { jsonOf, parseJson, toJson, type Value } from "../databank/json.js";
import { cutMembers } from "./cut-members.js";
import { copyOf, isSameJson } from "./plain-json.js";

/** The properties of a session, in order, as parsed JSON. */
export type Fields = Map<string, Value>;

/** One property of a session: its JSON text, and the value of that text once it was needed. */
class Member {
  readonly name: string;
  /** The name too, as it stands in the session's text. */
  readonly text: string;
  readonly #valueStart: number;
  #value: Value | undefined;

  constructor(name: string, text: string, valueStart: number, value?: Value) {
    this.name = name;
    this.text = text;
    this.#valueStart = valueStart;
    this.#value = value;
  }

  static made(name: string, json: string): Member {
    const start = `${JSON.stringify(name)}:`;
    return new Member(name, start + json, start.length);
  }

  /** Belongs to this member: whoever hands it out copies it. */
  get value(): Value {
    this.#value ??= parseJson(this.text.slice(this.#valueStart));
    return this.#value;
  }

  equals(other: Member | undefined): boolean {
    if (this === other || this.text === other?.text) return true;
    // Other texts of one value are as long: the same characters, in another order.
    return this.text.length === other?.text.length && isSameValue(this.value, other.value);
  }
}

/**
 * A session as JSON, as it was at one moment. It never changes.
 *
 * Turning a session into text is most of what saving it costs, so a snapshot is kept by property:
 * the next one of the same session shares what has not changed, and only the rest becomes text.
 */
export class Snapshot {
  #json: string | undefined;
  #members: readonly Member[] | undefined;
  #whole: Value | undefined;
  #byName: ReadonlyMap<string, Member> | undefined;
  #wasCopied = false;

  private constructor(json: string | undefined, members: readonly Member[] | undefined) {
    this.#json = json;
    this.#members = members;
  }

  /** What a databank holds. Damage shows when its values are asked for. */
  static of(json: string): Snapshot {
    return new Snapshot(json, undefined);
  }

  /** Properties that were put together by hand. */
  static made(fields: Fields): Snapshot {
    return new Snapshot(undefined, membersOf(fields));
  }

  /**
   * A live session as it is now.
   *
   * @param earlier - How it was before; what has not changed since is shared.
   * @param options - With `isSameCookie` the cookie is the earlier one, though its moment of expiry
   *   may have moved.
   * @throws DatabankError `DATABANK_INVALID_VALUE` for what JSON cannot hold.
   */
  static take(session: object, earlier?: Snapshot, { isSameCookie = false } = {}): Snapshot {
    if ("toJSON" in session) {
      const json = jsonOf(session) ?? "{}";
      if (json.startsWith("{")) return new Snapshot(json, undefined);
      if (json === "null") return new Snapshot("{}", undefined);
      throw new DatabankError("A session must be an object, and what its toJSON gives too", {
        code: "DATABANK_INVALID_VALUE",
      });
    }
    const live = session as Readonly<Record<string, unknown>>;
    const members: Member[] = [];
    for (const name of Object.keys(live)) {
      const before = earlier ? earlier.#find(name, members.length) : undefined;
      const isKnown = isSameCookie && name === "cookie" && before !== undefined;
      const member = isKnown ? before : memberOf(name, live[name], before);
      if (member) members.push(member);
    }
    return new Snapshot(undefined, members);
  }

  get json(): string {
    this.#json ??= textOf(this.#all);
    return this.#json;
  }

  /** The cookie, to look at. */
  get cookie(): Readonly<Record<string, unknown>> {
    const cookie = this.#find("cookie", 0)?.value;
    return typeof cookie === "object" && cookie !== null ? (cookie as Record<string, unknown>) : {};
  }

  /** A value of its own, to hand out. @throws SyntaxError for a text that is damaged. */
  copy(): Value {
    if (this.#whole === undefined) {
      const value = this.#members ? Object.fromEntries(this.fields()) : parseJson(this.json);
      // Many sessions are read once and never again: only others are worth the memory.
      if (!this.#wasCopied) {
        this.#wasCopied = true;
        if (!this.#members) return value;
      }
      this.#whole = value;
    }
    return copyOf(this.#whole);
  }

  /** The properties, to look at: their values belong to the snapshot. */
  fields(): Fields {
    return new Map(this.#all.map(({ name, value }) => [name, value]));
  }

  /** Whether all properties but the cookie are the same, whatever their order. */
  hasDataOf(other: Snapshot): boolean {
    const members = this.#all;
    let more = 0;
    for (let i = 0; i < members.length; i += 1) {
      const member = members[i];
      if (member === undefined || member.name === "cookie") continue;
      if (!member.equals(other.#find(member.name, i))) return false;
      more += 1;
    }
    for (const { name } of other.#all) if (name !== "cookie") more -= 1;
    return more === 0;
  }

  /** @param likely - Where to look first: sessions keep the order of their properties. */
  #find(name: string, likely: number): Member | undefined {
    const members = this.#all;
    const guess = members[likely];
    if (guess?.name === name) return guess;
    this.#byName ??= new Map(members.map((member) => [member.name, member]));
    return this.#byName.get(name);
  }

  get #all(): readonly Member[] {
    this.#members ??= membersIn(this.#json ?? "{}", this.#whole);
    return this.#members;
  }
}

/** @returns `undefined` for what JSON leaves out of an object, such as a function. */
function memberOf(name: string, live: unknown, before?: Member): Member | undefined {
  if (before && isSameJson(live, before.value)) return before;
  const json = jsonOf(live);
  if (json === undefined) return undefined;
  const member = Member.made(name, json);
  return before?.text === member.text ? before : member;
}

/** @param parsed - The value of the text, where it is known. */
function membersIn(json: string, parsed: Value | undefined): readonly Member[] {
  const cut = cutMembers(json);
  if (cut) {
    const values = isRecord(parsed) ? parsed : undefined;
    return cut.map(({ name, text, valueStart }) => {
      return new Member(name, text, valueStart, values?.[name]);
    });
  }
  const value = parsed ?? parseJson(json);
  return isRecord(value) ? membersOf(Object.entries(value)) : [];
}

function isRecord(value: Value | undefined): value is Readonly<Record<string, Value>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function membersOf(fields: Iterable<readonly [string, Value]>): readonly Member[] {
  return [...fields].map(([name, value]) => Member.made(name, toJson(value)));
}

/** Built by hand, because `__proto__` is an ordinary property. */
function textOf(members: readonly Member[]): string {
  let text = "";
  for (const member of members) text += `${text === "" ? "{" : ","}${member.text}`;
  return text === "" ? "{}" : `${text}}`;
}
