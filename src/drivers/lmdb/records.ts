import type { StoredEntry } from "../../databank/driver.js";
import { type LmdbDatabase, openText, type TextDatabase } from "./client.js";
import { Indices } from "./indices.js";
import { textOf } from "./keys.js";
import { type Meta, toMeta, toText } from "./meta.js";
import { dueKey, type Place } from "./place.js";

/** Tells of something stored that nobody can make sense of. */
export type Report = (type: string, cause: unknown) => void;

/**
 * What is stored of entries, and how it stays in agreement.
 *
 * Values and what else is known of an entry are in two databases under one key, of type and id.
 * The third has the entries that will expire, by type and time, and the fourth those that are
 * indexed. What changes anything needs a transaction.
 */
export class Records {
  readonly values: TextDatabase;
  readonly metas: TextDatabase;
  readonly due: TextDatabase;
  readonly index: TextDatabase;
  readonly indices: Indices;
  readonly #report: Report;

  /** Opens the databases, and makes those that are missing. Needs a transaction. */
  constructor(root: LmdbDatabase, name: string, report: Report) {
    this.values = openText(root, name);
    this.metas = openText(root, `${name}-meta`);
    this.due = openText(root, `${name}-due`);
    this.index = openText(root, `${name}-index`);
    this.indices = new Indices(this.index);
    this.#report = report;
  }

  /** What is known of an entry, live or not; `null` where nothing is, or nothing readable. */
  meta({ type, key }: Place): Meta | null {
    const text = this.metas.get(key);
    return text === undefined ? null : this.parse(type, text);
  }

  parse(type: string, text: string): Meta | null {
    try {
      return toMeta(text);
    } catch (cause) {
      // Not the error itself: its message may quote the text.
      this.#report(type, Object(cause).name);
      return null;
    }
  }

  /** The whole entry of which this is known. */
  entry({ type, key }: Place, id: string, meta: Meta): StoredEntry | null {
    const json = this.values.get(key);
    if (json === undefined) {
      this.#report(type, new Error("An entry has no value"));
      return null;
    }
    const { version, createdAt, expiresAt } = meta;
    return { id, json, version, createdAt, expiresAt };
  }

  put(place: Place, stored: Meta | null, entry: StoredEntry): void {
    const { id, json, version, createdAt, expiresAt } = entry;
    const before = stored?.cleanupAt ?? null;
    // A look that is early costs less than a change of the order by time with each write.
    const isEarlier = before !== null && expiresAt !== null && before <= expiresAt;
    const cleanupAt = isEarlier ? before : expiresAt;
    this.#schedule(place, before, cleanupAt);
    this.#reindex(place, json);
    const meta = { version, createdAt, expiresAt, cleanupAt };
    const isInKey = textOf(place.idPart) !== undefined;
    this.metas.put(place.key, toText(isInKey ? meta : { ...meta, id }));
    this.values.put(place.key, json);
  }

  /** Deletes all that is stored of an entry, of which this is known. */
  remove(place: Place, stored: Meta | null): void {
    this.#schedule(place, stored?.cleanupAt ?? null, null);
    this.#reindex(place, undefined);
    this.metas.remove(place.key);
    this.values.remove(place.key);
  }

  /** Moves the deadline alone. */
  touch({ key }: Place, meta: Meta, expiresAt: number | null): void {
    this.metas.put(key, toText({ ...meta, expiresAt }));
  }

  /** Lets cleanup look at an entry again at its deadline. */
  putOff(place: Place, meta: Meta): void {
    this.#schedule(place, meta.cleanupAt, meta.expiresAt);
    this.metas.put(place.key, toText({ ...meta, cleanupAt: meta.expiresAt }));
  }

  #schedule(place: Place, before: number | null, after: number | null): void {
    if (before === after) return;
    if (before !== null) this.due.remove(dueKey(place, before));
    if (after !== null) this.due.put(dueKey(place, after), "");
  }

  #reindex({ type, key, idPart }: Place, json: string | undefined): void {
    if (this.indices.has(type)) this.indices.change(type, idPart, this.values.get(key), json);
  }
}
