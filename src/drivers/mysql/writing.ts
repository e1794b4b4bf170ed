import type { Write, WriteResult } from "../../databank/driver.js";
import { isLive, isMet, laterOf } from "../../databank/entry.js";
import { type Batch, batchOf } from "./batches.js";
import { create } from "./creating.js";
import { currentOf, judged, outrun } from "./outcomes.js";
import { partsOf } from "./packets.js";
import { toEntry } from "./rows.js";
import type { Table } from "./table.js";
import { idKey, typeKey } from "./text.js";
import { rowsOf, type Task, updateValues } from "./write-values.js";

const MAX_ATTEMPTS = 10;

type Kind = "create" | "save" | "saveExtend" | "update" | "updateExtend" | "passed";

/** Stores each entry where its condition holds. */
export async function write(
  table: Table,
  type: string,
  writes: readonly Write[],
): Promise<readonly WriteResult[]> {
  const results: WriteResult[] = Array(writes.length);
  const kinds = new Map<Kind, Task[]>();
  const now = Date.now();
  for (const [place, each] of writes.entries()) {
    const kind = kindOf(each, now);
    const tasks = kinds.get(kind);
    const task = { id: each.id, write: each, place };
    if (tasks) tasks.push(task);
    else kinds.set(kind, [task]);
  }
  await Promise.all(
    [...kinds].map(([kind, tasks]) => writeKind(table, type, kind, tasks, results)),
  );
  return results;
}

function kindOf({ expiresAt, extend, if: condition }: Write, now: number): Kind {
  if (!isLive(expiresAt, now)) return "passed";
  if (condition === "absent") return "create";
  if (condition === undefined) return extend ? "saveExtend" : "save";
  return extend ? "updateExtend" : "update";
}

async function writeKind(
  table: Table,
  type: string,
  kind: Kind,
  tasks: readonly Task[],
  results: WriteResult[],
): Promise<void> {
  for (const part of partsOf(table, tasks, results)) {
    const batch = batchOf(part);
    const done = await apply(table, type, kind, batch);
    for (const [i, { place }] of part.entries()) results[place] = done[i] ?? "done";
  }
}

async function apply(
  table: Table,
  type: string,
  kind: Kind,
  batch: Batch<Task>,
): Promise<readonly WriteResult[]> {
  if (kind === "create") return create(table, type, batch);
  if (kind === "passed") {
    return Promise.all(batch.members.map(({ write: each }) => writePassed(table, type, each)));
  }
  if (kind === "update" || kind === "updateExtend") return update(table, type, kind, batch);
  // Nothing can be in the way of these.
  await table.connections.change(table.statements[kind](batch.size), rowsOf(type, batch));
  return batch.members.map(() => "done" as const);
}

/** Updates what has the version asked for, or any where that is `present`. */
async function update(
  table: Table,
  type: string,
  kind: "update" | "updateExtend",
  batch: Batch<Task>,
): Promise<readonly WriteResult[]> {
  return judged(table, type, batch, (session) =>
    session.change(table.statements[kind](batch.size), updateValues(type, kind, batch)),
  );
}

/** A write with a deadline that has passed deletes, unless it extends a life. */
async function writePassed(table: Table, type: string, write: Write): Promise<WriteResult> {
  const { connections, statements } = table;
  const key = [typeKey(type), idKey(write.id)];
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const current = await currentOf(table, type, write.id);
    const live = current?.isLive ? current : null;
    if (!isMet(write.if, live)) {
      return { conflict: live ? toEntry(write.id, live) : null };
    }
    if (!live) {
      await connections.change(statements.dropExpired, key);
      return "done";
    }
    const expiresAt = write.extend ? laterOf(live.expiresAt, write.expiresAt) : write.expiresAt;
    if (isLive(expiresAt, Date.now())) {
      const next = { ...write, expiresAt, if: live.version };
      const task = { id: write.id, write: next, place: 0 };
      const [result] = await update(table, type, "updateExtend", batchOf([task]));
      if (result === "done") return "done";
    } else if ((await connections.change(statements.del, [...key, live.version])) === 1) {
      return "done";
    }
  }
  return outrun();
}
