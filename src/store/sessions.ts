import { type Answer, andThen, begin } from "../databank/answer.js";
import type { Databank } from "../databank/databank.js";
import type { Conflict, StoredEntry, Write } from "../databank/driver.js";
import { DatabankError } from "../databank/errors.js";
import { toJson } from "../databank/json.js";
import type { KeyedQueue } from "../databank/keyed-queue.js";
import { newLife, nextVersion } from "../databank/version.js";
import { deadlineOf, fieldsOfCookie } from "./cookie.js";
import { capped } from "./deadline.js";
import type { StoreEvents } from "./events.js";
import { inflate } from "./inflate.js";
import type { PlainSession } from "./live-session.js";
import type { ResolvedOptions } from "./options.js";
import { isInstance, Provenance } from "./provenance.js";
import { type Lifetime, type Outcome, Save, type Saved, type SaveSettings } from "./save.js";
import { hashedId, isStorageKey } from "./session-id.js";
import { fieldsOf, textOf } from "./session-text.js";
import { adoptClassicEntry, deleteBothForms } from "./upgrade.js";

/** Changes a session, in place or by returning another; may be called again after a conflict. */
export type Change = (
  session: PlainSession,
) => PlainSession | undefined | Promise<PlainSession | undefined>;

const MAX_ATTEMPTS = 32;

/** The sessions of one store: what its methods do, as promises. */
export class Sessions {
  readonly provenance = new Provenance();
  readonly #bank: Databank;
  readonly #options: ResolvedOptions;
  readonly #settings: SaveSettings;
  readonly #events: StoreEvents;
  readonly #queue: KeyedQueue;
  // Of their own: what a program does in an update may take long, and a logout must not wait.
  readonly #updates: KeyedQueue;

  constructor(bank: Databank, options: ResolvedOptions, events: StoreEvents) {
    this.#bank = bank;
    this.#options = options;
    this.#events = events;
    this.#settings = { ...options, isClassic: options.ids === "classic" };
    this.#queue = bank.collector.turns();
    this.#updates = bank.collector.turns();
  }

  get(sid: unknown): Answer<PlainSession | null> {
    if (!isUsable(sid)) return null;
    return andThen(this.#find(sid), (found) => found && this.#inflated(sid, found));
  }

  set(sid: unknown, session: unknown, ttlMs: number | undefined): Answer<Outcome> {
    if (!isUsable(sid)) {
      throw new DatabankError("A session id must be a text that is not empty", {
        code: "DATABANK_INVALID_OPTION",
      });
    }
    const live = checkedSession(session);
    const json = this.#snapshot(live);
    const mine = lifetimeOf(live, ttlMs);
    const id = this.#idOf(sid);
    return this.#queue.run(id, () => {
      const origin = this.provenance.find(sid, live);
      if (!origin) return this.#insert(sid, id, live, json, mine);
      const save = new Save(this.#bank.collector, this.#settings, id, origin, mine);
      return andThen(save.set(json), (saved) => this.#saved(sid, live, saved));
    });
  }

  touch(sid: unknown, session: unknown, ttlMs: number | undefined): Answer<Outcome> {
    if (!isUsable(sid)) return "gone";
    const live = checkedSession(session);
    const mine = lifetimeOf(live, ttlMs);
    const id = this.#idOf(sid);
    return this.#queue.run<Outcome>(id, () => {
      const origin = this.provenance.find(sid, live);
      if (origin) {
        const save = new Save(this.#bank.collector, this.#settings, id, origin, mine);
        return andThen(save.touch(), (saved) => this.#saved(sid, live, saved));
      }
      const touch = { id, expiresAt: this.#deadline(mine, Date.now()) };
      const touched = this.#bank.collector.touch(this.#options.type, touch);
      return andThen(touched, (isThere) => (isThere ? "touched" : "gone"));
    });
  }

  destroy(sid: unknown): Answer<void> {
    if (!isUsable(sid)) return;
    const { type, ids } = this.#options;
    const { collector } = this.#bank;
    const id = this.#idOf(sid);
    return this.#queue.run(id, () =>
      ids === "upgrade" && !isStorageKey(sid)
        ? deleteBothForms(collector, type, sid, id)
        : andThen(collector.del(type, { id }), nothing),
    );
  }

  /** Reads, changes and writes a session, again if another request came in between. */
  async update(sid: unknown, change: Change): Promise<Outcome> {
    if (!isUsable(sid)) return "gone";
    const id = this.#idOf(sid);
    return this.#updates.run(id, async () => {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        const session = await this.get(sid);
        const origin = session && this.provenance.find(sid, session);
        if (!origin) return "gone";
        const changed = checkedSession((await change(session)) ?? session);
        const json = this.#snapshot(changed);
        const mine = lifetimeOf(changed, undefined);
        const save = new Save(this.#bank.collector, this.#settings, id, origin, mine);
        const outcome = await save.setUnlessChanged(json);
        if (outcome) return outcome;
      }
      throw new DatabankError(
        `The session could not be updated: ${MAX_ATTEMPTS} other writes came in between`,
        { code: "DATABANK_CONFLICT" },
      );
    });
  }

  #find(sid: string): Answer<StoredEntry | null> {
    const { type, ids } = this.#options;
    if (ids === "classic" && isStorageKey(sid)) return null;
    const id = this.#idOf(sid);
    const { collector } = this.#bank;
    return andThen(collector.read(type, { id }), (entry) => {
      if (entry?.json !== undefined) return entry;
      if (ids !== "upgrade" || isStorageKey(sid)) return null;
      return adoptClassicEntry(collector, type, sid, id);
    });
  }

  #inflated(sid: string, entry: StoredEntry): PlainSession | null {
    const inflated = inflate(entry, this.#options, Date.now());
    if (inflated === "expired") {
      if (this.#settings.isClassic) this.#deleteLater(entry);
      return null;
    }
    if (inflated instanceof Error) {
      this.#events.corrupt(sid, inflated);
      return null;
    }
    this.provenance.loaded(sid, entry, inflated);
    return inflated;
  }

  // Entries of version 1 have their deadline in the cookie, where no database looks for it.
  #deleteLater({ id, version }: StoredEntry): void {
    const failed = (error: unknown) =>
      this.#events.failed("Could not delete an expired session", error);
    const { collector } = this.#bank;
    const deleted = begin(() => collector.del(this.#options.type, { id, if: version }));
    if (deleted instanceof Promise) deleted.catch(failed);
  }

  /** Stores a session of unknown origin, over whatever is there. */
  async #insert(
    sid: string,
    id: string,
    session: object,
    base: string,
    mine: Lifetime,
  ): Promise<Outcome> {
    const json = this.#settings.isClassic ? withSid(base, sid) : base;
    let current: StoredEntry | null = null;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const write = this.#insertion(id, json, mine, isInstance(session) ? null : current);
      const condition: string = current?.version ?? "absent";
      const result: "done" | Conflict = await this.#bank.collector.write(this.#options.type, {
        ...write,
        if: condition,
      });
      if (result === "done") {
        if (isInstance(session)) this.#adopt(sid, session, write, base, mine);
        else if (current) this.#events.untracked(sid);
        return current ? "written" : "created";
      }
      current = result.conflict;
    }
    throw new DatabankError(
      `The session could not be saved: ${MAX_ATTEMPTS} other writes came in between`,
      { code: "DATABANK_CONFLICT" },
    );
  }

  /** A plain object goes on with the life that is there; a new session starts its own. */
  #insertion(id: string, json: string, mine: Lifetime, current: StoredEntry | null): Write {
    const createdAt = current?.createdAt ?? Date.now();
    return {
      id,
      json,
      version: current ? nextVersion(current.version) : newLife(),
      createdAt,
      expiresAt: this.#deadline(mine, createdAt),
    };
  }

  #adopt(sid: string, session: object, write: Write, base: string, mine: Lifetime): void {
    this.provenance.saved(session, {
      sid,
      version: write.version,
      createdAt: write.createdAt,
      expiresAt: write.expiresAt,
      stored: write.json,
      base,
      cookie: mine.cookie,
      hidden: [],
    });
  }

  #saved(sid: string, session: object, saved: Saved): Outcome {
    if (saved.outcome === "gone") {
      this.#events.gone(sid);
    } else {
      this.provenance.saved(session, saved.origin);
      if (saved.outcome === "merged") this.#events.merged(sid, saved.conflicts);
    }
    return saved.outcome;
  }

  /** The session as it is now: a request that goes on changing it changes the next save. */
  #snapshot(session: object): string {
    const json = toJson(session);
    const { maxBytes } = this.#options;
    // A character is at least one byte, so most sessions need not be counted.
    if (json.length * 3 > maxBytes && Buffer.byteLength(json) > maxBytes) {
      throw new DatabankError(`The session is larger than maxBytes, ${maxBytes}`, {
        code: "DATABANK_VALUE_TOO_LARGE",
      });
    }
    return json;
  }

  #deadline({ cookie, ttlMs }: Lifetime, createdAt: number): number | null {
    const now = Date.now();
    const wanted = ttlMs === undefined ? deadlineOf(cookie, this.#options.ttlMs, now) : now + ttlMs;
    return capped(wanted, createdAt, this.#options.absoluteTimeoutMs);
  }

  #idOf(sid: string): string {
    return this.#settings.isClassic ? sid : hashedId(sid, this.#options.pepper);
  }
}

function nothing(): void {}

function isUsable(sid: unknown): sid is string {
  return typeof sid === "string" && sid !== "";
}

function checkedSession(session: unknown): object {
  if (typeof session === "object" && session !== null && !Array.isArray(session)) return session;
  throw new DatabankError("A session must be an object", { code: "DATABANK_INVALID_VALUE" });
}

function lifetimeOf(session: object, ttlMs: number | undefined): Lifetime {
  const { cookie } = session as { cookie?: unknown };
  return { cookie: fieldsOfCookie(cookie), ttlMs };
}

function withSid(json: string, sid: string): string {
  const fields = fieldsOf(json);
  fields.set("sid", sid);
  return textOf(fields);
}
