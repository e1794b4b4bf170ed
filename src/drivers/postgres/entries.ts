import type {
  CountedPage,
  Criterion,
  DeletedPage,
  Deletion,
  EntryPage,
  Page,
  Read,
  ReadResult,
  Touch,
} from "../../databank/driver.js";
import type { Connections } from "./connections.js";
import { searchConditions } from "./indices.js";
import { leftMs, type Row, toStored, toUnchanged } from "./row.js";
import type { Statements } from "./statements.js";
import { toKey } from "./text.js";

/** A table, and the way to it. */
export interface Table {
  readonly connections: Connections;
  readonly statements: Statements;
}

/** The live entry or `null` for each id. */
export async function read(
  { connections, statements }: Table,
  type: string,
  reads: readonly Read[],
): Promise<readonly ReadResult[]> {
  const sentAt = Date.now();
  const keys = reads.map(({ id }) => toKey(id));
  const known = reads.map((each) => each.known ?? null);
  const rows = (await (reads.length === 1
    ? connections.query(statements.readOne, [toKey(type), keys[0], known[0]])
    : known.every((version) => version === null)
      ? connections.query(statements.readMany, [toKey(type), keys])
      : connections.query(statements.readManyKnown, [toKey(type), keys, known]))) as readonly Row[];
  const found = new Map(rows.map((row) => [row.id, row]));
  return keys.map((key) => {
    const row = found.get(key);
    if (!row) return null;
    return row.value === null ? toUnchanged(row, sentAt) : toStored(row, sentAt);
  });
}

/** Whether each entry was live; its deadline is then the given one, or the later that it had. */
export async function touch(
  { connections, statements }: Table,
  type: string,
  touches: readonly Touch[],
): Promise<readonly boolean[]> {
  const now = Date.now();
  const keys = touches.map(({ id }) => toKey(id));
  const left = touches.map(({ expiresAt }) => leftMs(expiresAt, now));
  if (touches.length === 1) {
    const touched = await connections.query(statements.touchOne, [toKey(type), keys[0], left[0]]);
    return [touched.length > 0];
  }
  return doneOf(keys, await connections.query(statements.touchMany, [toKey(type), keys, left]));
}

/** Whether each entry was live, had the version, and is deleted. */
export async function del(
  { connections, statements }: Table,
  type: string,
  deletions: readonly Deletion[],
): Promise<readonly boolean[]> {
  const keys = deletions.map(({ id }) => toKey(id));
  const conditions = deletions.map((deletion) => deletion.if ?? null);
  if (deletions.length === 1) {
    const values = [toKey(type), keys[0], conditions[0]];
    return [(await connections.query(statements.deleteOne, values)).length > 0];
  }
  const values = [toKey(type), keys, conditions];
  return doneOf(keys, await connections.query(statements.deleteMany, values));
}

/** For each key whether a batch has done its work; the rows say where it has not. */
function doneOf(keys: readonly string[], rows: readonly unknown[]): boolean[] {
  if (rows.length === 0) return keys.map(() => true);
  const notDone = new Set((rows as readonly Row[]).map(({ id }) => id));
  return keys.map((key) => !notDone.has(key));
}

/** A page of the live entries of a type, by id. */
export async function scan(
  { connections, statements }: Table,
  type: string,
  { limit, cursor }: Page,
): Promise<EntryPage> {
  const sentAt = Date.now();
  const rows = await connections.query(statements.scan, [toKey(type), cursor ?? "", limit]);
  return toPage(rows as readonly Row[], limit, sentAt);
}

/** A page of the live entries that may meet all criteria, by id. */
export async function search(
  { connections, statements }: Table,
  type: string,
  criteria: readonly Criterion[],
  { limit, cursor }: Page,
): Promise<EntryPage> {
  const conditions = searchConditions(criteria, 3);
  const sentAt = Date.now();
  const rows = await connections.queryOnce(statements.search(toKey(type), conditions), [
    cursor ?? "",
    limit,
    ...conditions.values,
  ]);
  return toPage(rows as readonly Row[], limit, sentAt);
}

// Expired entries come without their value.
function toPage(rows: readonly Row[], limit: number, sentAt: number): EntryPage {
  const entries = rows.filter(({ value }) => value !== null).map((row) => toStored(row, sentAt));
  return { entries, cursor: rows.length < limit ? null : (rows.at(-1)?.id ?? null) };
}

/** Counts all live entries of a type. */
export async function count(
  { connections, statements }: Table,
  type: string,
): Promise<CountedPage> {
  const [row] = await connections.query(statements.count, [toKey(type)]);
  // A pool of the caller's may turn numbers into texts.
  return { live: Number((row as { live: unknown }).live), cursor: null };
}

/** Deletes some entries of a type, by id, in a transaction that holds few locks. */
export async function clear(
  { connections, statements }: Table,
  type: string,
  { limit, cursor }: Page,
): Promise<DeletedPage> {
  const [row] = await connections.query(statements.clear, [toKey(type), cursor ?? "", limit]);
  const { deleted, last } = row as { deleted: unknown; last: string | null };
  return { deleted: Number(deleted), cursor: last };
}

/** One step of a cleanup. */
export async function deleteExpired(
  { connections, statements }: Table,
  type: string,
  { limit }: Page,
): Promise<DeletedPage> {
  const { length: deleted } = await connections.query(statements.deleteDue, [toKey(type), limit]);
  // What has been looked at is no longer due, so each step begins at the beginning.
  if (deleted === limit) return { deleted, cursor: "more" };
  const values = [toKey(type), limit - deleted];
  const { length: putOff } = await connections.query(statements.putOffDue, values);
  return { deleted, cursor: deleted + putOff < limit ? null : "more" };
}
