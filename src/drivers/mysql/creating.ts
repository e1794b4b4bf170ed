import type { Write, WriteResult } from "../../databank/driver.js";
import { type Batch, batchOf } from "./batches.js";
import { currentOf, judged, outrun } from "./outcomes.js";
import { toEntry } from "./rows.js";
import type { Table } from "./table.js";
import { idKey, typeKey } from "./text.js";
import { changes, remaining, rowsOf, type Task } from "./write-values.js";

const MAX_ATTEMPTS = 10;

/** Inserts what is not there yet, and takes the place of what has expired. */
export async function create(
  table: Table,
  type: string,
  batch: Batch<Task>,
): Promise<readonly WriteResult[]> {
  const results = await judged(table, type, batch, (session) =>
    session.change(table.statements.create(batch.size), rowsOf(type, batch)),
  );
  return Promise.all(
    results.map((result, i) => {
      const task = batch.members[i];
      const isFree = task && result !== "done" && !(result instanceof Error) && !result.conflict;
      return isFree ? createAlone(table, type, task.write) : result;
    }),
  );
}

/** Creates one entry where an expired one is in the way, or where one has just gone. */
async function createAlone(table: Table, type: string, write: Write): Promise<WriteResult> {
  const { connections, statements } = table;
  const batch = batchOf([{ id: write.id, write, place: 0 }]);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const values = [...changes(write), remaining(write), remaining(write)];
    const key = [typeKey(type), idKey(write.id)];
    if ((await connections.change(statements.takeOver, [...values, ...key])) === 1) return "done";
    if ((await connections.change(statements.create(1), rowsOf(type, batch))) === 1) return "done";
    const current = await currentOf(table, type, write.id);
    if (current?.isLive) return { conflict: toEntry(write.id, current) };
  }
  return outrun();
}
