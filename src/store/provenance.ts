import type { StoredEntry } from "../databank/driver.js";
import { type CookieJson, fieldsOfCookie } from "./cookie.js";
import type { PlainSession } from "./live-session.js";
import type { Snapshot } from "./snapshot.js";

/** Which entry a live session came from, and how both looked then. */
export interface Origin {
  readonly sid: string;
  readonly version: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  /** What the database held. */
  readonly stored: Snapshot;
  /** How the session itself looked. Differs from `stored` after a merge. */
  readonly base: Snapshot;
  /** How its cookie looked. */
  readonly cookie: CookieJson;
  /** Stored properties that the session cannot show, because it has methods of these names. */
  readonly hidden: readonly string[];
}

/** What is remembered of a session and of its cookie; a live session keeps its own until it ends. */
interface Memory {
  /** Of the store whose session it is. */
  readonly owner: Provenance;
  origin: Origin;
  readonly cookie: object | undefined;
}

const NOTHING_HIDDEN: readonly string[] = [];

class Given {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: so an object of no class gets a private field
    return object;
  }
}

/**
 * An object with a field that nobody sees, and no copy has: all that a `WeakMap` does, at a fraction
 * of its price, for objects that are made here. On others it would cost more.
 */
class Tracked extends Given {
  #memory: Memory;

  private constructor(object: object, memory: Memory) {
    super(object);
    this.#memory = memory;
  }

  /** A plain object with the properties of another. */
  static copyOf<T extends object>(plain: T, memory: Memory): T {
    // While it is empty, the field finds room in it.
    const copy = {};
    new Tracked(copy, memory);
    return Object.assign(copy, plain);
  }

  static memoryOf(object: object): Memory | undefined {
    return #memory in object ? object.#memory : undefined;
  }

  /** @returns `false` for an object that was not made here, and for one of another store. */
  static remember(object: object, memory: Memory): boolean {
    if (!(#memory in object) || object.#memory.owner !== memory.owner) return false;
    object.#memory = memory;
    return true;
  }
}

/**
 * Remembers where live sessions came from, without touching them.
 *
 * express-session hands what `get` returned to `createSession`, and the session made there to
 * `set` and `touch`. Copies made by hand are recognised by their cookie object, which they share.
 */
export class Provenance {
  readonly #memories = new WeakMap<object, Memory>();

  /** Remembers a plain session that was just read; what it returns takes its place. */
  loaded(
    sid: string,
    entry: Omit<StoredEntry, "json">,
    stored: Snapshot,
    session: PlainSession,
  ): PlainSession {
    const origin: Origin = {
      sid,
      version: entry.version,
      createdAt: entry.createdAt,
      expiresAt: entry.expiresAt,
      stored,
      base: stored,
      // It is plain, and a host that makes a live cookie of it looks at that one again.
      cookie: { ...session.cookie },
      hidden: NOTHING_HIDDEN,
    };
    const memory: Memory = { owner: this, origin, cookie: undefined };
    session.cookie = this.#tracked(session.cookie, memory);
    return this.#tracked(session, memory);
  }

  /** Remembers the live session that a host made of a plain one. */
  created(plain: object, origin: Origin, live: object): void {
    const cookie = cookieOf(live);
    const hidden = Object.keys(plain).filter((name) => !Object.hasOwn(live, name));
    const own: Origin = {
      ...origin,
      cookie: fieldsOfCookie(cookie),
      hidden: hidden.length > 0 ? hidden : NOTHING_HIDDEN,
    };
    this.#remember(live, cookie, own);
  }

  /** Remembers what a session was saved as. */
  saved(session: object, origin: Origin): void {
    // Copies of a plain session have its cookie, and have not been saved.
    const cookie = isInstance(session) ? cookieOf(session) : undefined;
    const memory = cookie && this.#memoryOf(session);
    if (memory && memory.cookie === cookie) memory.origin = origin;
    else this.#remember(session, cookie, origin);
  }

  /** Where a session came from, if it was read under this session id. */
  find(sid: string, session: object): Origin | undefined {
    const own = this.#memoryOf(session)?.origin;
    if (own?.sid === sid) return own;
    const cookie = cookieOf(session);
    const shared = cookie && this.#memoryOf(cookie)?.origin;
    return shared?.sid === sid ? shared : undefined;
  }

  #tracked<T extends object>(plain: T, memory: Memory): T {
    // To assign this property would do something else.
    if (!Object.hasOwn(plain, "__proto__")) return Tracked.copyOf(plain, memory);
    this.#memories.set(plain, memory);
    return plain;
  }

  #memoryOf(object: object): Memory | undefined {
    const tracked = Tracked.memoryOf(object);
    return tracked?.owner === this ? tracked : this.#memories.get(object);
  }

  #remember(session: object, cookie: object | undefined, origin: Origin): void {
    const memory: Memory = { owner: this, origin, cookie };
    if (!Tracked.remember(session, memory)) this.#memories.set(session, memory);
    if (cookie && !Tracked.remember(cookie, memory)) this.#memories.set(cookie, memory);
  }
}

/** Whether a session is a live object of some class, not a plain one that someone put together. */
export function isInstance(session: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(session);
  return prototype !== Object.prototype && prototype !== null;
}

function cookieOf(session: object): object | undefined {
  const { cookie } = session as { cookie?: unknown };
  return typeof cookie === "object" && cookie !== null ? cookie : undefined;
}
