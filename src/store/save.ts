import { type Answer, andThen } from "../databank/answer.js";
import type { Collector } from "../databank/collector.js";
import type { Write } from "../databank/driver.js";
import { isLive, laterOf } from "../databank/entry.js";
import { DatabankError } from "../databank/errors.js";
import { parseJson, toJson, type Value } from "../databank/json.js";
import { isSameLife, nextVersion } from "../databank/version.js";
import { type CookieJson, changedCookieFields, deadlineOf, isLifetimeChanged } from "./cookie.js";
import { capped, wholeMoment } from "./deadline.js";
import { type MergeConflict, merge, type Resolve } from "./merge.js";
import { isRecord } from "./plain-json.js";
import type { Origin } from "./provenance.js";
import { type Fields, Snapshot } from "./snapshot.js";

/** What became of a session that was handed to `set` or `touch`. */
export type Outcome = "created" | "written" | "merged" | "touched" | "gone";

/** What a session says of its lifetime, at the moment it was handed to the store. */
export class Lifetime {
  readonly cookie: CookieJson;
  /** Its lifetime in milliseconds, where a host says it beside the session. */
  readonly ttlMs: number | undefined;
  #before: CookieJson | undefined;
  #changed: readonly string[] = [];

  constructor(cookie: CookieJson, ttlMs: number | undefined) {
    this.cookie = cookie;
    this.ttlMs = ttlMs;
  }

  /** The fields of the cookie that were changed since it looked like `before`. */
  changesSince(before: CookieJson): readonly string[] {
    // Asked when the session is handed over, and again when its turn comes.
    if (before !== this.#before) {
      this.#before = before;
      this.#changed = changedCookieFields(before, this.cookie);
    }
    return this.#changed;
  }
}

/** What saving needs to know of the store. */
export interface SaveSettings {
  readonly type: string;
  readonly ttlMs: number | undefined;
  readonly absoluteTimeoutMs: number;
  readonly touchIntervalMs: number;
  readonly resolve: Resolve | undefined;
  /** Whether to store in the form of version 1: the id in the value, the cookie's expiry fresh. */
  readonly isClassic: boolean;
}

/** How a save ended, and what the session has to be remembered as. */
export interface Saved {
  readonly outcome: Outcome;
  readonly origin: Origin;
  readonly conflicts: readonly MergeConflict[];
}

/** What is in the database, as far as is known. */
type Current = Pick<Origin, "version" | "createdAt" | "expiresAt" | "stored">;

// Each attempt lost a race against another request of the same session.
export const MAX_ATTEMPTS = 32;

/** Saves one loaded session: what it changed, on top of whatever the database holds by now. */
export class Save {
  readonly #collector: Collector;
  readonly #settings: SaveSettings;
  readonly #id: string;
  readonly #origin: Origin;
  readonly #mine: Lifetime;
  readonly #changedCookie: readonly string[];

  constructor(
    collector: Collector,
    settings: SaveSettings,
    id: string,
    origin: Origin,
    mine: Lifetime,
  ) {
    this.#collector = collector;
    this.#settings = settings;
    this.#id = id;
    this.#origin = origin;
    this.#mine = mine;
    this.#changedCookie = mine.changesSince(origin.cookie);
  }

  /** For `set`: a session without changes needs no more than a touch. */
  set(session: Snapshot): Answer<Saved> {
    if (this.#isTooOld()) return this.#gone();
    const isUnchanged = this.#changedCookie.length === 0 && session.hasDataOf(this.#origin.base);
    return isUnchanged ? this.#touchOnly() : this.#write(session);
  }

  /**
   * For `update`: stores the session as it is, if nobody else wrote.
   * @returns `null` if somebody did, and it has to be read and changed again.
   */
  async setUnlessChanged(session: Snapshot): Promise<Outcome | null> {
    if (this.#isTooOld()) return "gone";
    const current = this.#origin;
    const { composed } = this.#compose(session, current);
    const write = this.#writeOver(current, composed);
    const result = await this.#collector.write(this.#settings.type, write);
    if (result === "done") return "written";
    return result.conflict && isSameLife(result.conflict.version, current.version) ? null : "gone";
  }

  /** For `touch`: the cookie may have changed, other properties are not looked at. */
  touch(): Answer<Saved> {
    if (this.#isTooOld()) return this.#gone();
    return this.#changedCookie.length === 0 ? this.#touchOnly() : this.#writeCookie();
  }

  // A request may have begun in time and end too late.
  #isTooOld(): boolean {
    const { absoluteTimeoutMs } = this.#settings;
    return !isLive(capped(null, this.#origin.createdAt, absoluteTimeoutMs), Date.now());
  }

  #gone(): Saved {
    return { outcome: "gone", origin: this.#origin, conflicts: [] };
  }

  #touchOnly(): Answer<Saved> {
    const origin = this.#origin;
    const expiresAt = this.#isTheirLifetimeNew(this.#origin)
      ? origin.expiresAt
      : deadline(this.#mine, this.#settings, origin.createdAt);
    if (this.#isTouchNeedless(expiresAt)) return { outcome: "touched", origin, conflicts: [] };
    if (this.#settings.isClassic) return this.#rewriteForVersionOne();
    const { type } = this.#settings;
    return andThen(this.#collector.touch(type, { id: this.#id, expiresAt }), (isThere) => {
      if (!isThere) return this.#gone();
      const kept = laterOf(origin.expiresAt, expiresAt);
      return { outcome: "touched", origin: { ...origin, expiresAt: kept }, conflicts: [] };
    });
  }

  // Version 1 knows no deadline but the one in the cookie that it stored.
  #rewriteForVersionOne(): Answer<Saved> {
    return andThen(this.#writeCookie(), (saved) =>
      saved.outcome === "gone" ? saved : { ...saved, outcome: "touched" },
    );
  }

  #isTouchNeedless(expiresAt: number | null): boolean {
    const { touchIntervalMs } = this.#settings;
    if (touchIntervalMs === 0) return false;
    const before = this.#origin.expiresAt;
    if (before === null) return true;
    if (expiresAt === null) return false;
    // A session with a life no longer than the interval would end in the midst of its use.
    const halfLifeMs = (expiresAt - Date.now()) / 2;
    return expiresAt - before < Math.min(touchIntervalMs, halfLifeMs);
  }

  /** Writes the session as it was when it was last saved, but with its cookie as it is now. */
  #writeCookie(): Answer<Saved> {
    const fields = this.#origin.base.fields();
    fields.set("cookie", parseJson(toJson(this.#mine.cookie)));
    return this.#write(Snapshot.made(fields));
  }

  /** Writes over what is there, as far as is known, and over what is really there if it is not. */
  #write(mine: Snapshot, current: Current = this.#origin, attempt = 0): Answer<Saved> {
    if (attempt === MAX_ATTEMPTS) throw overtaken("saved");
    const { composed, conflicts } = this.#compose(mine, current);
    const write = this.#writeOver(current, composed);
    return andThen(this.#collector.write(this.#settings.type, write), (result) => {
      if (result === "done") {
        const origin = this.#remembered(write, composed, current, mine);
        const isMineAlone = attempt === 0 && conflicts.length === 0;
        return { outcome: isMineAlone ? "written" : "merged", origin, conflicts };
      }
      const { conflict } = result;
      if (!conflict || !isSameLife(conflict.version, current.version)) return this.#gone();
      return this.#write(mine, { ...conflict, stored: Snapshot.of(conflict.json) }, attempt + 1);
    });
  }

  #writeOver(current: Current, composed: Snapshot): Write {
    const { expiresAt, extend } = this.#deadlineBeside(current);
    return {
      id: this.#id,
      json: composed.json,
      version: nextVersion(current.version),
      createdAt: current.createdAt,
      expiresAt,
      extend,
      if: current.version,
    };
  }

  #remembered(write: Write, composed: Snapshot, current: Current, mine: Snapshot): Origin {
    const { sid, hidden } = this.#origin;
    return {
      sid,
      hidden,
      version: write.version,
      createdAt: write.createdAt,
      expiresAt: write.extend ? laterOf(current.expiresAt, write.expiresAt) : write.expiresAt,
      stored: composed,
      base: mine,
      cookie: this.#mine.cookie,
    };
  }

  /** What to store over `current`: its properties, and what changed in my session. */
  #compose(mine: Snapshot, current: Current): { composed: Snapshot; conflicts: MergeConflict[] } {
    const { stored, base, hidden, sid } = this.#origin;
    const { isClassic, resolve } = this.#settings;
    // Nobody else wrote, and the session shows all that is stored: then what it says is the answer.
    const isMineAll = current.stored === stored && stored === base && hidden.length === 0;
    if (isMineAll && !isClassic) return { composed: mine, conflicts: [] };
    const input = {
      base: base.fields(),
      mine: mine.fields(),
      theirs: current.stored.fields(),
      resolve,
    };
    // A property that the session cannot show has not been deleted by it.
    for (const name of hidden) input.base.delete(name);
    const ignored = isClassic ? ["sid"] : [];
    for (const name of ignored) for (const fields of [input.base, input.mine]) fields.delete(name);
    const { fields, conflicts } = merge(input);
    fields.set("cookie", this.#mergedCookie(current, input.theirs));
    if (isClassic) fields.set("sid", sid);
    return { composed: Snapshot.made(fields), conflicts };
  }

  #mergedCookie(current: Current, theirs: Fields): Value {
    const cookie = theirs.get("cookie");
    const merged: Record<string, unknown> = isRecord(cookie) ? { ...cookie } : {};
    for (const name of this.#changedCookie) merged[name] = this.#mine.cookie[name];
    if (!this.#isTheirLifetimeNew(current)) {
      merged.expires = this.#mine.cookie.expires ?? null;
      merged.originalMaxAge ??= this.#mine.cookie.originalMaxAge;
    }
    return parseJson(toJson(merged));
  }

  #deadlineBeside(current: Current): { expiresAt: number | null; extend: boolean } {
    const wanted = deadline(this.#mine, this.#settings, current.createdAt);
    if (this.#changedCookie.includes("originalMaxAge")) return { expiresAt: wanted, extend: false };
    if (this.#isTheirLifetimeNew(current)) return { expiresAt: current.expiresAt, extend: true };
    return { expiresAt: wanted, extend: true };
  }

  /** Whether others changed the lifetime, just now or before an earlier save of this session. */
  #isTheirLifetimeNew(current: Current): boolean {
    if (this.#changedCookie.includes("originalMaxAge")) return false;
    const { stored, base } = this.#origin;
    return isOtherLifetime(base, stored) || isOtherLifetime(stored, current.stored);
  }
}

/** When a session of this age ends, by what it says of its lifetime and the store's limits. */
export function deadline(
  { cookie, ttlMs }: Lifetime,
  settings: Pick<SaveSettings, "ttlMs" | "absoluteTimeoutMs">,
  createdAt: number,
): number | null {
  const now = Date.now();
  const wanted =
    ttlMs === undefined ? deadlineOf(cookie, settings.ttlMs, now) : wholeMoment(now + ttlMs);
  return capped(wanted, createdAt, settings.absoluteTimeoutMs);
}

/** @param done - What could not be: "saved" or "updated". */
export function overtaken(done: string): DatabankError {
  return new DatabankError(
    `The session could not be ${done}: ${MAX_ATTEMPTS} other writes came in between`,
    { code: "DATABANK_CONFLICT" },
  );
}

function isOtherLifetime(before: Snapshot, after: Snapshot): boolean {
  return before !== after && isLifetimeChanged(before.cookie, after.cookie);
}
