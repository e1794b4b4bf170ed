import type { DeletedPage, Deletion, Page, Touch } from "../../databank/driver.js";
import { DatabankError } from "../../databank/errors.js";
import { type Batch, filled, inBatches, own } from "./batches.js";
import { find } from "./reading.js";
import { asText, type Found } from "./rows.js";
import { MAX_BATCH, sizeFor } from "./statements.js";
import type { Table } from "./table.js";
import { idKey, typeKey } from "./text.js";
import { remaining } from "./write-values.js";

const MAX_ATTEMPTS = 10;
// Two looks at two clocks.
const SLACK_MS = 5;

/** Moves deadlines forward, and tells which entries were live. */
export function touch(
  table: Table,
  type: string,
  touches: readonly Touch[],
): Promise<readonly (boolean | Error)[]> {
  return inBatches<Touch, boolean | Error>(touches, async (batch) => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const results = await touchBatch(table, type, batch);
      if (results) return results;
    }
    const error = new DatabankError("Others wrote again and again while deadlines were moved");
    return batch.members.map(() => error);
  });
}

/** Resolves to `undefined` where something has come that was not touched. */
async function touchBatch(
  { connections, statements }: Table,
  type: string,
  batch: Batch<Touch>,
): Promise<readonly boolean[] | undefined> {
  const { members, size, keys } = batch;
  const touched = await connections.change(statements.touch(size), [
    ...own(batch, remaining),
    ...[typeKey(type), ...keys],
  ]);
  if (touched === members.length) return members.map(() => true);
  // Some may be missing, or, as pools count that count changes, have a later deadline already.
  const found = await find(connections, statements.look, type, batch);
  const live = members.map((_, i) => {
    const each = found.get(keys[i] ?? "");
    return each?.isLive ? each : undefined;
  });
  const isTouched = members.every((member, i) => reaches(live[i], member));
  return isTouched ? live.map((each) => each !== undefined) : undefined;
}

function reaches(found: Found | undefined, { expiresAt }: Touch): boolean {
  if (!found || found.expiresAt === null) return true;
  return expiresAt !== null && found.expiresAt >= expiresAt - SLACK_MS;
}

/** Deletes entries, and tells which were live and had the version asked for. */
export async function del(
  table: Table,
  type: string,
  deletions: readonly Deletion[],
): Promise<readonly (boolean | Error)[]> {
  const [only, ...others] = deletions;
  if (only && others.length === 0) return [await deleteOne(table, type, only)];
  return inBatches(deletions, (batch) => deleteBatch(table, type, batch));
}

async function deleteOne(
  { connections, statements }: Table,
  type: string,
  { id, if: version }: Deletion,
): Promise<boolean> {
  const values = [typeKey(type), idKey(id), version ?? null];
  return (await connections.change(statements.del, values)) === 1;
}

/** Locks the rows first: afterwards nobody could say which of them were there. */
function deleteBatch(
  { connections, statements }: Table,
  type: string,
  batch: Batch<Deletion>,
): Promise<readonly boolean[]> {
  return connections.transaction(async (session) => {
    const found = await find(session, statements.lock, type, batch);
    const results = batch.members.map(({ if: version }, i) => {
      const each = found.get(batch.keys[i] ?? "");
      return each?.isLive === true && (version === undefined || each.version === version);
    });
    const keys = batch.keys.filter((_, i) => results[i]);
    if (keys.length > 0) {
      await session.change(statements.drop(sizeFor(keys.length)), [typeKey(type), ...filled(keys)]);
    }
    return results;
  });
}

/** Deletes some entries of a type, so few that no lock is held for long. */
export async function clear(
  { connections, statements }: Table,
  type: string,
  { limit }: Page,
): Promise<DeletedPage> {
  const deleted = await connections.change(statements.clear(limit), [typeKey(type)]);
  return { deleted, cursor: deleted < limit ? null : "more" };
}

/**
 * Looks at some entries that are due for cleanup: deletes those that have expired, and puts off the
 * others until their deadlines.
 */
export async function deleteExpired(
  { connections, statements }: Table,
  type: string,
  page: Page,
): Promise<DeletedPage> {
  const limit = Math.min(page.limit, MAX_BATCH);
  const due = await connections.rows(statements.due(limit), [typeKey(type)]);
  const apply = async (sql: (size: number) => string, isExpired: boolean): Promise<number> => {
    const chosen = due.filter((row) => (Number(row[1]) === 1) === isExpired);
    // In one order, in which every statement locks its rows.
    const keys = chosen.map(([id]) => asText(id)).sort();
    if (keys.length === 0) return 0;
    return connections.change(sql(sizeFor(keys.length)), [typeKey(type), ...filled(keys)]);
  };
  const deleted = await apply(statements.deleteDue, true);
  await apply(statements.putOffDue, false);
  // What has been looked at is no longer due, so each step begins at the beginning.
  return { deleted, cursor: due.length < limit ? null : "more" };
}
