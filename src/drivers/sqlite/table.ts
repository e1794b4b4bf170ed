import type {
  CountedPage,
  Criterion,
  Deletion,
  EntryPage,
  Page,
  Read,
  StoredEntry,
  Touch,
  UnchangedEntry,
  Write,
  WriteResult,
} from "../../databank/driver.js";
import { DELETION_GRACE_MS, isLive, isMet, laterOf } from "../../databank/entry.js";
import { fromText, toText } from "../escaped-text.js";
import type { SqliteDatabase, SqliteStatement, SqliteValue } from "./engine.js";
import { conditionsOf } from "./indices.js";
import { type Sql, sqlOf } from "./sql.js";
import { quoted } from "./text.js";

// Searches make a statement for each combination of paths.
const MAX_PREPARED = 200;

/** The entries in one table, as synchronous operations. Those that change it need a transaction. */
export class Table {
  readonly #database: SqliteDatabase;
  readonly #sql: Sql;
  readonly #prepared = new Map<string, SqliteStatement>();

  constructor(database: SqliteDatabase, name: string) {
    this.#database = database;
    this.#sql = sqlOf(name);
  }

  read(type: string, { id, known }: Read): StoredEntry | UnchangedEntry | null {
    if (known === undefined) return this.#find(type, id);
    const values = [known, toText(type), toText(id), Date.now()];
    const row = this.#prepare(this.#sql.readUnknown).get(...values);
    return row === undefined ? null : toUnchanged(id, row as FoundRow);
  }

  write(type: string, write: Write): WriteResult {
    const isDone = isLive(write.expiresAt, Date.now())
      ? this.#store(type, write)
      : this.#storePassed(type, write);
    return isDone ? "done" : { conflict: this.#find(type, write.id) };
  }

  /** Writes by one statement where that will do; `undefined` where nothing was written. */
  writeAlone(type: string, write: Write): "done" | undefined {
    if (!isLive(write.expiresAt, Date.now())) return undefined;
    return this.#store(type, write) ? "done" : undefined;
  }

  touch(type: string, { id, expiresAt }: Touch): boolean {
    const key = [toText(type), toText(id), Date.now()];
    return this.#run(this.#sql.touch, expiresAt, expiresAt, ...key) === 1;
  }

  del(type: string, { id, if: version }: Deletion): boolean {
    const key = [toText(type), toText(id), Date.now()];
    return version === undefined
      ? this.#run(this.#sql.del, ...key) === 1
      : this.#run(this.#sql.delVersion, ...key, version) === 1;
  }

  /** A page of live entries, by id. */
  scan(type: string, { limit, cursor }: Page): EntryPage {
    return toPage(this.#all(this.#sql.scan, toText(type), cursor ?? "", limit), limit);
  }

  /** A page of live entries that may satisfy the criteria, by id. */
  search(type: string, criteria: readonly Criterion[], { limit, cursor }: Page): EntryPage {
    const { sql: conditions, values } = conditionsOf(criteria);
    if (conditions === "") return this.scan(type, { limit, cursor });
    const sql = this.#sql.search(quoted(toText(type)), conditions);
    return toPage(this.#all(sql, ...values, cursor ?? "", limit), limit);
  }

  /** Counts the live entries among the next ones, by id. */
  count(type: string, { limit, cursor }: Page): CountedPage {
    const [row] = this.#all(this.#sql.count, Date.now(), toText(type), cursor ?? "", limit);
    const { seen, live, last } = row as { seen: unknown; live: unknown; last: string };
    return { live: Number(live), cursor: Number(seen) < limit ? null : last };
  }

  /** Deletes up to `limit` entries, live or not, and returns how many. */
  clear(type: string, limit: number): number {
    return this.#run(this.#sql.clear, toText(type), limit);
  }

  /**
   * Looks at up to `limit` entries that are due for cleanup: deletes those that have expired, and
   * puts off the others until their deadlines.
   */
  cleanUp(type: string, limit: number): { deleted: number; isLast: boolean } {
    const until = Date.now() - DELETION_GRACE_MS;
    const due = [toText(type), until];
    const deleted = this.#run(this.#sql.deleteDue, ...due, limit, until);
    const putOff = this.#run(this.#sql.putOffDue, ...due, limit - deleted, until);
    return { deleted, isLast: deleted + putOff < limit };
  }

  #find(type: string, id: string): StoredEntry | null {
    const row = this.#prepare(this.#sql.read).get(toText(type), toText(id), Date.now());
    return row === undefined ? null : toStored(id, row as FoundRow);
  }

  /** Stores an entry with a deadline that is ahead, if its condition holds. */
  #store(type: string, write: Write): boolean {
    const { version, createdAt, expiresAt, json, extend, if: condition } = write;
    const key = [toText(type), toText(write.id)];
    const sql = this.#sql;
    if (condition === undefined || condition === "absent") {
      const row = [...key, version, createdAt, expiresAt, expiresAt, json];
      if (condition === "absent") return this.#run(sql.create, ...row, Date.now()) === 1;
      return this.#run(extend ? sql.saveExtend : sql.save, ...row) === 1;
    }
    const values = [version, createdAt, json, expiresAt, expiresAt, ...key, Date.now()];
    if (condition === "present") {
      return this.#run(extend ? sql.updateExtend : sql.update, ...values) === 1;
    }
    const change = extend ? sql.updateVersionExtend : sql.updateVersion;
    return this.#run(change, ...values, condition) === 1;
  }

  /** A write with a deadline that has passed deletes, unless it extends a life. */
  #storePassed(type: string, write: Write): boolean {
    const current = this.#find(type, write.id);
    if (!isMet(write.if, current)) return false;
    const expiresAt =
      write.extend && current ? laterOf(current.expiresAt, write.expiresAt) : write.expiresAt;
    if (isLive(expiresAt, Date.now())) return this.#store(type, { ...write, expiresAt });
    this.#run(this.#sql.drop, toText(type), toText(write.id));
    return true;
  }

  #run(sql: string, ...values: SqliteValue[]): number {
    return Number(this.#prepare(sql).run(...values).changes);
  }

  #all(sql: string, ...values: SqliteValue[]): readonly unknown[] {
    return this.#prepare(sql).all(...values);
  }

  #prepare(sql: string): SqliteStatement {
    let statement = this.#prepared.get(sql);
    if (!statement) {
      if (this.#prepared.size >= MAX_PREPARED) this.#prepared.clear();
      statement = this.#database.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }
}

/** What is found by an id, as the bindings give it: bigints, if a database object is set so. */
interface FoundRow {
  readonly version: string;
  readonly created_at: number | bigint;
  readonly expires_at: number | bigint | null;
  readonly value: string | null;
}

interface Row extends FoundRow {
  readonly id: string;
}

function toUnchanged(id: string, row: FoundRow): StoredEntry | UnchangedEntry {
  const { json, ...rest } = toStored(id, row);
  return row.value === null ? rest : { ...rest, json };
}

function toStored(id: string, row: FoundRow): StoredEntry {
  return {
    id,
    json: row.value ?? "",
    version: row.version,
    createdAt: Number(row.created_at),
    expiresAt: row.expires_at === null ? null : Number(row.expires_at),
  };
}

// Expired entries count towards the limit, so that a page is never long in the making.
function toPage(found: readonly unknown[], limit: number): EntryPage {
  const rows = found as readonly Row[];
  const now = Date.now();
  const entries = rows
    .map((row) => toStored(fromText(row.id), row))
    .filter(({ expiresAt }) => isLive(expiresAt, now));
  return { entries, cursor: rows.length < limit ? null : (rows.at(-1)?.id ?? null) };
}
