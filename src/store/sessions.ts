import { type Answer, andThen, begin } from "../databank/answer.js";
import type { Databank } from "../databank/databank.js";
import type { Read, StoredEntry, UnchangedEntry } from "../databank/driver.js";
import { DatabankError } from "../databank/errors.js";
import type { KeyedQueue } from "../databank/keyed-queue.js";
import { checkFunction } from "../databank/options.js";
import { isLonger } from "../databank/text-bytes.js";
import { fieldsOfCookie, hasLifetime } from "./cookie.js";
import type { StoreEvents } from "./events.js";
import { inflate } from "./inflate.js";
import { type Inserted, Insertion } from "./insertion.js";
import type { PlainSession } from "./live-session.js";
import type { ResolvedOptions } from "./options.js";
import { isInstance, type Origin, Provenance } from "./provenance.js";
import {
  deadline,
  Lifetime,
  MAX_ATTEMPTS,
  type Outcome,
  overtaken,
  Save,
  type Saved,
  type SaveSettings,
} from "./save.js";
import { type Remembered, SessionCache } from "./session-cache.js";
import { hashedId, isStorageKey } from "./session-id.js";
import { Snapshot } from "./snapshot.js";
import { adoptClassicEntry, deleteBothForms } from "./upgrade.js";

/** Changes a session, in place or by returning another; may be called again after a conflict. */
export type Change = (
  session: PlainSession,
) => PlainSession | undefined | Promise<PlainSession | undefined>;

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
  readonly #cache: SessionCache;

  constructor(bank: Databank, options: ResolvedOptions, events: StoreEvents) {
    this.#bank = bank;
    this.#options = options;
    this.#events = events;
    const isClassic = options.ids === "classic";
    this.#cache = new SessionCache((sid) => (isClassic ? sid : hashedId(sid, options.pepper)));
    this.#settings = { ...options, isClassic };
    this.#queue = bank.collector.turns();
    this.#updates = bank.collector.turns();
  }

  get(sid: unknown): Answer<PlainSession | null> {
    if (!isUsable(sid)) return null;
    const { type, ids } = this.#options;
    if (ids === "classic" && isStorageKey(sid)) return null;
    const session = this.#cache.of(sid);
    const { id, known } = session;
    const read: Read = known ? { id, known: known.version } : { id };
    return andThen(this.#bank.collector.read(type, read), (entry) => {
      if (entry) return this.#inflated(session, entry, known);
      // Whoever has logged out is not remembered.
      if (known) this.#cache.unlearn(session);
      return this.#moved(session);
    });
  }

  set(sid: unknown, session: unknown, ttlMs: number | undefined): Answer<Outcome> {
    if (!isUsable(sid)) {
      throw new DatabankError("A session id must be a text that is not empty", {
        code: "DATABANK_INVALID_OPTION",
      });
    }
    const live = checkedSession(session);
    const mine = lifetimeOf(live, ttlMs);
    const snapshot = this.#snapshot(live, mine, this.provenance.find(sid, live));
    const stored = this.#cache.of(sid);
    const { id } = stored;
    return this.#queue.run(id, () => {
      const origin = this.provenance.find(sid, live);
      if (!origin) {
        const insertion = new Insertion(this.#bank.collector, this.#settings, { sid, id }, mine);
        const inserted = insertion.run(live, snapshot);
        return andThen(inserted, (done) =>
          andThen(this.#replaced(sid, live), () => this.#inserted(stored, live, done)),
        );
      }
      const save = new Save(this.#bank.collector, this.#settings, id, origin, mine);
      return andThen(save.set(snapshot), (saved) => this.#saved(stored, live, saved));
    });
  }

  touch(sid: unknown, session: unknown, ttlMs: number | undefined): Answer<Outcome> {
    if (!isUsable(sid)) return "gone";
    const live = checkedSession(session);
    const mine = lifetimeOf(live, ttlMs);
    const stored = this.#cache.of(sid);
    const { id } = stored;
    return this.#queue.run<Outcome>(id, () => {
      const origin = this.provenance.find(sid, live);
      if (origin) {
        const save = new Save(this.#bank.collector, this.#settings, id, origin, mine);
        return andThen(save.touch(), (saved) => this.#saved(stored, live, saved));
      }
      const touch = { id, expiresAt: deadline(mine, this.#settings, Date.now()) };
      const touched = this.#bank.collector.touch(this.#options.type, touch);
      return andThen(touched, (isThere) => (isThere ? "touched" : "gone"));
    });
  }

  /** @returns Whether there was such a session. */
  destroy(sid: unknown): Answer<boolean> {
    if (!isUsable(sid)) return false;
    const { type, ids } = this.#options;
    const { collector } = this.#bank;
    const stored = this.#cache.of(sid);
    const { id } = stored;
    return this.#queue.run(id, () => {
      this.#cache.unlearn(stored);
      return ids === "upgrade" && !isStorageKey(sid)
        ? deleteBothForms(collector, type, sid, id)
        : collector.del(type, { id });
    });
  }

  /** Reads, changes and writes a session, again if another request came in between. */
  async update(sid: unknown, change: Change): Promise<Outcome> {
    checkFunction("change", change);
    if (!isUsable(sid)) return "gone";
    const { id } = this.#cache.of(sid);
    return this.#updates.run(id, async () => {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        const session = await this.get(sid);
        const origin = session && this.provenance.find(sid, session);
        if (!origin) return "gone";
        const changed = checkedSession((await change(session)) ?? session);
        const mine = lifetimeOf(changed, undefined);
        const snapshot = this.#snapshot(changed, mine, origin);
        const save = new Save(this.#bank.collector, this.#settings, id, origin, mine);
        const outcome = await save.setUnlessChanged(snapshot);
        if (outcome) return outcome;
      }
      throw overtaken("updated");
    });
  }

  /** Deletes what a plain object may have taken the place of under the plain id. */
  #replaced(sid: string, session: object): Answer<unknown> {
    const { type, ids } = this.#options;
    if (ids !== "upgrade" || isStorageKey(sid) || isInstance(session)) return undefined;
    return this.#bank.collector.del(type, { id: sid });
  }

  /** A session that is still stored under its plain id, where that may be. */
  #moved(session: Remembered): Answer<PlainSession | null> {
    const { type, ids } = this.#options;
    const { sid, id } = session;
    if (ids !== "upgrade" || isStorageKey(sid)) return null;
    const adopted = adoptClassicEntry(this.#bank.collector, type, sid, id);
    return andThen(adopted, (entry) => entry && this.#inflated(session, entry, undefined));
  }

  /** @param known - What was known of it when it was asked for. */
  #inflated(
    session: Remembered,
    entry: StoredEntry | UnchangedEntry,
    known: Remembered["known"],
  ): PlainSession | null {
    const { sid } = session;
    // Where the text comes anyway, a person who has edited it under its old version is heard.
    const isKnown =
      known?.version === entry.version &&
      (entry.json === undefined || entry.json === known.snapshot.json);
    // Without a text it is damaged, unless it is what was known.
    const stored = isKnown ? known.snapshot : Snapshot.of(entry.json ?? "");
    const inflated = inflate(stored, entry, this.#options, Date.now());
    if (inflated === "expired") {
      if (this.#settings.isClassic) this.#deleteLater(sid, entry);
      return null;
    }
    if (inflated instanceof Error) {
      this.#events.corrupt(sid, inflated);
      return null;
    }
    if (!isKnown) this.#cache.learn(session, entry.version, stored);
    return this.provenance.loaded(sid, entry, stored, inflated);
  }

  // Entries of version 1 have their deadline in the cookie, where no database looks for it.
  #deleteLater(sid: string, { id, version }: Pick<StoredEntry, "id" | "version">): void {
    const { collector } = this.#bank;
    const deleted = begin(() => collector.del(this.#options.type, { id, if: version }));
    Promise.resolve(deleted).then(
      (isDeleted) => isDeleted && this.#events.expired(1, sid),
      (error) => this.#events.failed("Could not delete an expired session", error, sid),
    );
  }

  #inserted(stored: Remembered, session: object, { outcome, origin }: Inserted): Outcome {
    this.#cache.learn(stored, origin.version, origin.stored);
    if (isInstance(session)) this.provenance.saved(session, origin);
    else if (outcome === "written") this.#events.untracked(stored.sid);
    return outcome;
  }

  #saved(remembered: Remembered, session: object, saved: Saved): Outcome {
    const { sid } = remembered;
    if (saved.outcome === "gone") {
      this.#events.gone(sid);
    } else {
      const { version, stored } = saved.origin;
      if (saved.outcome !== "touched") this.#cache.learn(remembered, version, stored);
      this.provenance.saved(session, saved.origin);
      if (saved.outcome === "merged") this.#events.merged(sid, saved.conflicts);
    }
    return saved.outcome;
  }

  /** The session as it is now: a request that goes on changing it changes the next save. */
  #snapshot(session: object, mine: Lifetime, origin: Origin | undefined): Snapshot {
    // The moment of expiry that is stored with the cookie is not looked at: the entry has its own.
    const isSameCookie =
      origin !== undefined &&
      !this.#settings.isClassic &&
      hasLifetime(origin.cookie) === hasLifetime(mine.cookie) &&
      mine.changesSince(origin.cookie).length === 0;
    const snapshot = Snapshot.take(session, origin?.base, { isSameCookie });
    const { maxBytes } = this.#options;
    if (maxBytes === Number.POSITIVE_INFINITY) return snapshot;
    if (isLonger(snapshot.json, maxBytes)) {
      throw new DatabankError(`The session is larger than maxBytes, ${maxBytes}`, {
        code: "DATABANK_VALUE_TOO_LARGE",
      });
    }
    return snapshot;
  }
}

function isUsable(sid: unknown): sid is string {
  return typeof sid === "string" && sid !== "";
}

function checkedSession(session: unknown): object {
  if (typeof session === "object" && session !== null && !Array.isArray(session)) return session;
  throw new DatabankError("A session must be an object", { code: "DATABANK_INVALID_VALUE" });
}

function lifetimeOf(session: object, ttlMs: number | undefined): Lifetime {
  const { cookie } = session as { cookie?: unknown };
  return new Lifetime(fieldsOfCookie(cookie), ttlMs);
}
