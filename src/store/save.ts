import { type Answer, andThen } from "../databank/answer.js";
import type { Collector } from "../databank/collector.js";
import type { StoredEntry, Write } from "../databank/driver.js";
import { isLive, laterOf } from "../databank/entry.js";
import { DatabankError } from "../databank/errors.js";
import { parseJson, toJson, type Value } from "../databank/json.js";
import { isSameLife, nextVersion } from "../databank/version.js";
import { type CookieJson, changedCookieFields, deadlineOf, isLifetimeChanged } from "./cookie.js";
import { capped } from "./deadline.js";
import { type MergeConflict, merge, type Resolve } from "./merge.js";
import type { Origin } from "./provenance.js";
import { cookieIn, type Fields, fieldsOf, isSameData, textOf } from "./session-text.js";

/** What became of a session that was handed to `set` or `touch`. */
export type Outcome = "created" | "written" | "merged" | "touched" | "gone";

/** What a session says of its lifetime, at the moment it was handed to the store. */
export interface Lifetime {
  readonly cookie: CookieJson;
  /** Its lifetime in milliseconds, where a host says it beside the session. */
  readonly ttlMs: number | undefined;
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

// Each attempt lost a race against another request of the same session.
const MAX_ATTEMPTS = 32;

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
    this.#changedCookie = changedCookieFields(origin.cookie, mine.cookie);
  }

  /** For `set`: a session without changes needs no more than a touch. */
  set(json: string): Answer<Saved> {
    if (this.#isTooOld()) return this.#gone();
    const isUnchanged = this.#changedCookie.length === 0 && isSameData(this.#origin.base, json);
    return isUnchanged ? this.#touchOnly() : this.#write(json);
  }

  /**
   * For `update`: stores the session as it is, if nobody else wrote.
   * @returns `null` if somebody did, and it has to be read and changed again.
   */
  async setUnlessChanged(json: string): Promise<Outcome | null> {
    if (this.#isTooOld()) return "gone";
    const current = this.#originAsEntry();
    const write = this.#writeOver(current, this.#compose(json, current).json);
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
    return !isLive(this.#capped(null), Date.now());
  }

  #gone(): Saved {
    return { outcome: "gone", origin: this.#origin, conflicts: [] };
  }

  #touchOnly(): Answer<Saved> {
    const origin = this.#origin;
    const expiresAt = this.#isTheirLifetimeNew(this.#originAsEntry())
      ? origin.expiresAt
      : this.#capped(this.#wantedDeadline());
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
    const now = this.#origin.expiresAt;
    if (now === null) return true;
    return expiresAt !== null && expiresAt - now < touchIntervalMs;
  }

  /** Writes the session as it was when it was last saved, but with its cookie as it is now. */
  #writeCookie(): Answer<Saved> {
    const fields = fieldsOf(this.#origin.base);
    fields.set("cookie", parseJson(toJson(this.#mine.cookie)));
    return this.#write(textOf(fields));
  }

  /** Writes over what is there, as far as is known, and over what is really there if it is not. */
  #write(mineJson: string, current = this.#originAsEntry(), attempt = 0): Answer<Saved> {
    if (attempt === MAX_ATTEMPTS) {
      throw new DatabankError(
        `The session could not be saved: ${MAX_ATTEMPTS} other writes came in between`,
        { code: "DATABANK_CONFLICT" },
      );
    }
    const { json, conflicts } = this.#compose(mineJson, current);
    const write = this.#writeOver(current, json);
    return andThen(this.#collector.write(this.#settings.type, write), (result) => {
      if (result === "done") {
        const origin = this.#remembered(write, current, mineJson);
        const isMineAlone = attempt === 0 && conflicts.length === 0;
        return { outcome: isMineAlone ? "written" : "merged", origin, conflicts };
      }
      const { conflict } = result;
      if (!conflict || !isSameLife(conflict.version, current.version)) return this.#gone();
      return this.#write(mineJson, conflict, attempt + 1);
    });
  }

  #writeOver(current: StoredEntry, json: string): Write {
    return {
      id: this.#id,
      json,
      version: nextVersion(current.version),
      createdAt: current.createdAt,
      ...this.#deadlineBeside(current),
      if: current.version,
    };
  }

  #originAsEntry(): StoredEntry {
    const { version, createdAt, expiresAt, stored } = this.#origin;
    return { id: this.#id, json: stored, version, createdAt, expiresAt };
  }

  #remembered(write: Write, current: StoredEntry, mineJson: string): Origin {
    return {
      ...this.#origin,
      version: write.version,
      createdAt: write.createdAt,
      expiresAt: write.extend ? laterOf(current.expiresAt, write.expiresAt) : write.expiresAt,
      stored: write.json,
      base: mineJson,
      cookie: this.#mine.cookie,
    };
  }

  /** What to store over `current`: its properties, and what changed in my session. */
  #compose(mineJson: string, current: StoredEntry): { json: string; conflicts: MergeConflict[] } {
    const { stored, base, hidden, sid } = this.#origin;
    const { isClassic, resolve } = this.#settings;
    // Nobody else wrote, and the session shows all that is stored: then what it says is the answer.
    const isMineAll = current.json === stored && stored === base && hidden.length === 0;
    if (isMineAll && !isClassic) return { json: mineJson, conflicts: [] };
    const input = {
      base: fieldsOf(base),
      mine: fieldsOf(mineJson),
      theirs: fieldsOf(current.json),
      resolve,
    };
    // A property that the session cannot show has not been deleted by it.
    for (const name of hidden) input.base.delete(name);
    const ignored = isClassic ? ["sid"] : [];
    for (const name of ignored) for (const fields of [input.base, input.mine]) fields.delete(name);
    const { fields, conflicts } = merge(input);
    fields.set("cookie", this.#mergedCookie(current, input.theirs));
    if (isClassic) fields.set("sid", sid);
    return { json: textOf(fields), conflicts };
  }

  #mergedCookie(current: StoredEntry, theirs: Fields): Value {
    const cookie = theirs.get("cookie");
    const merged: Record<string, unknown> = isRecord(cookie) ? { ...cookie } : {};
    for (const name of this.#changedCookie) merged[name] = this.#mine.cookie[name];
    if (!this.#isTheirLifetimeNew(current)) {
      merged.expires = this.#mine.cookie.expires ?? null;
      merged.originalMaxAge ??= this.#mine.cookie.originalMaxAge;
    }
    return parseJson(toJson(merged));
  }

  #deadlineBeside(current: StoredEntry): { expiresAt: number | null; extend: boolean } {
    const wanted = this.#capped(this.#wantedDeadline(), current.createdAt);
    if (this.#changedCookie.includes("originalMaxAge")) return { expiresAt: wanted, extend: false };
    if (this.#isTheirLifetimeNew(current)) return { expiresAt: current.expiresAt, extend: true };
    return { expiresAt: wanted, extend: true };
  }

  /** Whether others changed the lifetime, just now or before an earlier save of this session. */
  #isTheirLifetimeNew(current: StoredEntry): boolean {
    if (this.#changedCookie.includes("originalMaxAge")) return false;
    const { stored, base } = this.#origin;
    return isOtherLifetime(base, stored) || isOtherLifetime(stored, current.json);
  }

  #wantedDeadline(): number | null {
    const { ttlMs } = this.#mine;
    const now = Date.now();
    return ttlMs === undefined
      ? deadlineOf(this.#mine.cookie, this.#settings.ttlMs, now)
      : now + ttlMs;
  }

  #capped(expiresAt: number | null, createdAt = this.#origin.createdAt): number | null {
    return capped(expiresAt, createdAt, this.#settings.absoluteTimeoutMs);
  }
}

function isOtherLifetime(before: string, after: string): boolean {
  return before !== after && isLifetimeChanged(cookieIn(before), cookieIn(after));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
