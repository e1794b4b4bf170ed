import type {
  CountedPage,
  Criterion,
  Deletion,
  EntryPage,
  Page,
  Read,
  ReadResult,
  Touch,
  Write,
  WriteResult,
} from "../../databank/driver.js";
import { DELETION_GRACE_MS, isLive, isMet, laterOf } from "../../databank/entry.js";
import type { TextDatabase } from "./client.js";
import { rangeOf, textOf, timePart } from "./keys.js";
import type { Meta } from "./meta.js";
import { dueKey, idPartOf, type Place, placeAt, placeOf, typePrefix } from "./place.js";
import type { Records } from "./records.js";

/** The entries, as synchronous operations. Those that change anything need a transaction. */
export class Table {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  read(type: string, { id, known }: Read): ReadResult {
    const place = placeOf(type, id);
    const meta = this.#live(place);
    if (!meta) return null;
    if (meta.version !== known) return this.#records.entry(place, id, meta);
    const { version, createdAt, expiresAt } = meta;
    return { id, version, createdAt, expiresAt };
  }

  write(type: string, write: Write): WriteResult {
    const place = placeOf(type, write.id);
    const stored = this.#records.meta(place);
    const now = Date.now();
    const current = stored && isLive(stored.expiresAt, now) ? stored : null;
    if (!isMet(write.if, current)) {
      const conflict = current && this.#records.entry(place, write.id, current);
      // What somebody has damaged is not there, so it is in nobody's way.
      if (conflict || !isMet(write.if, null)) return { conflict };
    }
    const isExtended = write.extend && current;
    const expiresAt = isExtended ? laterOf(current.expiresAt, write.expiresAt) : write.expiresAt;
    if (isLive(expiresAt, now)) this.#records.put(place, stored, { ...write, expiresAt });
    else this.#records.remove(place, stored);
    return "done";
  }

  touch(type: string, { id, expiresAt }: Touch): boolean {
    const place = placeOf(type, id);
    const meta = this.#live(place);
    if (!meta) return false;
    const later = laterOf(meta.expiresAt, expiresAt);
    if (later !== meta.expiresAt) this.#records.touch(place, meta, later);
    return true;
  }

  del(type: string, { id, if: version }: Deletion): boolean {
    const place = placeOf(type, id);
    const meta = this.#live(place);
    if (!meta || (version !== undefined && meta.version !== version)) return false;
    this.#records.remove(place, meta);
    return true;
  }

  /** A page of live entries, by id. Those that have expired count towards the limit. */
  scan(type: string, { limit, cursor }: Page): EntryPage {
    const idParts = idPartsIn(this.#records.metas, typePrefix(type), limit, cursor);
    return this.#page(type, idParts, limit);
  }

  /** A page of live entries that may satisfy the criteria, by id. */
  search(type: string, criteria: readonly Criterion[], page: Page): EntryPage {
    const [first, ...others] = criteria;
    if (!first) return this.scan(type, page);
    const { indices, index } = this.#records;
    const { limit, cursor } = page;
    const found = idPartsIn(index, indices.prefix(type, first), limit, cursor);
    const prefixes = others.map((criterion) => indices.prefix(type, criterion));
    const isInAll = (idPart: string) => prefixes.every((each) => index.doesExist(each + idPart));
    return { ...this.#page(type, found.filter(isInAll), limit), cursor: nextCursor(found, limit) };
  }

  /** Counts the live entries among the next ones, by id. */
  count(type: string, { limit, cursor }: Page): CountedPage {
    const prefix = typePrefix(type);
    const now = Date.now();
    let live = 0;
    const idParts: string[] = [];
    for (const { key, value } of this.#records.metas.getRange(rangeOf(prefix, limit, cursor))) {
      idParts.push(key.slice(prefix.length));
      const meta = this.#records.parse(type, value);
      if (meta && isLive(meta.expiresAt, now)) live += 1;
    }
    return { live, cursor: nextCursor(idParts, limit) };
  }

  /** Deletes up to `limit` entries, live or not. */
  clear(type: string, limit: number): { deleted: number; isLast: boolean } {
    const prefix = typePrefix(type);
    const { values, metas, due, index } = this.#records;
    const idParts = idPartsIn(metas, prefix, limit, null);
    for (const idPart of idParts) {
      const place = placeAt(type, idPart);
      this.#records.remove(place, this.#records.meta(place));
    }
    const deleted = idParts.length;
    if (deleted === limit) return { deleted, isLast: false };
    // What is left belongs to nothing: somebody has damaged what it belonged to.
    const counts = [values, due, index].map((database) => {
      const keys = [...database.getKeys(rangeOf(prefix, limit))];
      for (const key of keys) database.remove(key);
      return keys.length;
    });
    return { deleted, isLast: !counts.includes(limit) };
  }

  /**
   * Looks at up to `limit` entries that are due for cleanup: deletes those that have expired, and
   * puts off the others until their deadlines.
   */
  cleanUp(type: string, limit: number): { deleted: number; isLast: boolean } {
    const until = Date.now() - DELETION_GRACE_MS;
    const prefix = typePrefix(type);
    const range = { start: prefix, end: prefix + timePart(until + 1), limit };
    const due = [...this.#records.due.getKeys(range)];
    let deleted = 0;
    for (const key of due) {
      const place = placeAt(type, idPartOf(key, prefix));
      const meta = this.#records.meta(place);
      if (!meta || meta.cleanupAt === null || dueKey(place, meta.cleanupAt) !== key) {
        this.#records.due.remove(key);
      } else if (isLive(meta.expiresAt, until)) this.#records.putOff(place, meta);
      else {
        this.#records.remove(place, meta);
        deleted += 1;
      }
    }
    return { deleted, isLast: due.length < limit };
  }

  /** Puts the next entries into new indices, and returns the cursor for those that come then. */
  buildIndices(type: string, paths: readonly string[], { limit, cursor }: Page): string | null {
    const { indices, values } = this.#records;
    const prefix = typePrefix(type);
    const idParts = idPartsIn(values, prefix, limit, cursor);
    for (const idPart of idParts) indices.add(type, paths, idPart, values.get(prefix + idPart));
    return nextCursor(idParts, limit);
  }

  #page(type: string, idParts: readonly string[], limit: number): EntryPage {
    const entries = idParts.flatMap((idPart) => {
      const place = placeAt(type, idPart);
      const meta = this.#live(place);
      const id = textOf(idPart) ?? meta?.id;
      const entry = meta && id !== undefined ? this.#records.entry(place, id, meta) : null;
      return entry ? [entry] : [];
    });
    return { entries, cursor: nextCursor(idParts, limit) };
  }

  #live(place: Place): Meta | null {
    const meta = this.#records.meta(place);
    return meta && isLive(meta.expiresAt, Date.now()) ? meta : null;
  }
}

/** The next of the keys that begin with a prefix, without it. */
function idPartsIn(database: TextDatabase, prefix: string, limit: number, cursor: string | null) {
  const keys = database.getKeys(rangeOf(prefix, limit, cursor));
  return Array.from(keys, (key) => key.slice(prefix.length));
}

function nextCursor(found: readonly string[], limit: number): string | null {
  return found.length < limit ? null : (found.at(-1) ?? null);
}
