import type { WriteResult } from "../../databank/driver.js";
import { DatabankError } from "../../databank/errors.js";
import { type Batch, batchOf } from "./batches.js";
import type { Session } from "./connections.js";
import { find } from "./reading.js";
import { type Found, toEntry } from "./rows.js";
import type { Table } from "./table.js";
import { idKey } from "./text.js";
import type { Task } from "./write-values.js";

/**
 * Makes a change of a batch, and tells who of it won: those whose version is there afterwards.
 *
 * @param change - Gives how many rows it changed. Each gets a new version, so that matching and
 *   changing are the same, and the number does not depend on how the pool counts.
 */
export async function judged(
  { connections, statements }: Table,
  type: string,
  batch: Batch<Task>,
  change: (session: Session) => Promise<number>,
): Promise<readonly WriteResult[]> {
  const judge = async (session: Session) => {
    if ((await change(session)) === batch.members.length) return undefined;
    return find(session, statements.read, type, batch);
  };
  // Nobody else writes between the change and the look, or a version might be gone again. Of one
  // write the number alone tells.
  const isAlone = batch.members.length === 1;
  const found = await (isAlone ? judge(connections) : connections.transaction(judge));
  return batch.members.map(({ id, write: { version } }, i) => {
    const current = found?.get(batch.keys[i] ?? "");
    if (!found || current?.version === version) return "done";
    return { conflict: current?.isLive ? toEntry(id, current) : null };
  });
}

/** What becomes of a write that others were always faster than. */
export function outrun(): DatabankError {
  return new DatabankError("Others wrote again and again; nothing was written");
}

/** What is there under an id, expired or not. */
export async function currentOf(
  table: Table,
  type: string,
  id: string,
): Promise<Found | undefined> {
  const batch = batchOf([{ id }]);
  const found = await find(table.connections, table.statements.read, type, batch);
  return found.get(idKey(id));
}
