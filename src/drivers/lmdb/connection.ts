import type { Schema } from "../../databank/driver.js";
import type { LmdbDatabase } from "./client.js";
import { openFolder } from "./environment.js";
import { isDatabase, type Settings } from "./options.js";
import { Records, type Report } from "./records.js";
import { Table } from "./table.js";
import { Transactions } from "./transactions.js";

// How many entries are put into a new index before others have their turn to write.
const STEP = 500;

/** An open database, and what the driver does with it. */
export interface Connection {
  readonly root: LmdbDatabase;
  readonly transactions: Transactions;
  readonly records: Records;
  readonly table: Table;
  /** Closes it once nobody uses it any more; never what was passed in. */
  release(): Promise<void>;
}

/** Opens the folder, or takes the database that was passed in as it is. */
export async function open({ from, name }: Settings, report: Report): Promise<Connection> {
  const { root, transactions, release } = isDatabase(from)
    ? { root: from, transactions: new Transactions(from, true), release: async () => {} }
    : await openFolder(from);
  try {
    const records = await transactions.run(() => new Records(root, name, report));
    return { root, transactions, records, table: new Table(records), release };
  } catch (error) {
    await release();
    throw error;
  }
}

/** Makes the indices that are missing, and completes those that another process has left halfway. */
export async function define(
  { transactions, records: { indices }, table }: Connection,
  schema: Schema,
): Promise<void> {
  for (const [type, { indices: paths = [] }] of Object.entries(schema)) {
    if (paths.length === 0) continue;
    const incomplete = await transactions.run(() => indices.declare(type, paths));
    if (incomplete.length === 0) continue;
    let cursor: string | null = null;
    do {
      const page: { limit: number; cursor: string | null } = { limit: STEP, cursor };
      cursor = await transactions.run(() => table.buildIndices(type, incomplete, page));
    } while (cursor !== null);
    await transactions.run(() => indices.complete(type, incomplete));
  }
}
