import type { Conflict, Write, WriteResult } from "../../databank/driver.js";
import type { Table } from "./entries.js";
import { leftMs, type Row, toStored } from "./row.js";
import { toFullText, toKey } from "./text.js";

/**
 * Stores each entry where its condition holds.
 *
 * Writes of one kind share a statement; most batches are of one kind. The statements of several go
 * side by side: in one transaction they would lock rows in several passes.
 */
export async function write(
  table: Table,
  type: string,
  writes: readonly Write[],
): Promise<readonly WriteResult[]> {
  const kinds = new Map<string, Write[]>();
  for (const each of writes) {
    const kind = isChange(each) ? "change" : `${each.if} ${each.extend === true}`;
    const same = kinds.get(kind);
    if (same) same.push(each);
    else kinds.set(kind, [each]);
  }
  const groups = [...kinds.values()];
  const only = kinds.size === 1 ? groups[0] : undefined;
  if (only) return writeGroup(table, type, only);
  const answers = await Promise.allSettled(groups.map((group) => writeGroup(table, type, group)));
  // Not before all have ended: what failed may be repeated at once.
  const results = new Map<Write, WriteResult>();
  for (const [i, answer] of answers.entries()) {
    if (answer.status === "rejected") throw answer.reason;
    groups[i]?.forEach((each, j) => {
      results.set(each, answer.value[j] ?? NOTHING_THERE);
    });
  }
  return writes.map((each) => results.get(each) ?? NOTHING_THERE);
}

const NOTHING_THERE: Conflict = { conflict: null };

const isChange = (write: Write) => write.if !== undefined && write.if !== "absent";

function writeGroup(table: Table, type: string, group: readonly Write[]): Promise<WriteResult[]> {
  const [first] = group;
  if (first === undefined) return Promise.resolve([]);
  if (!isChange(first)) return insert(table, type, group, first);
  return group.length === 1 ? changeOne(table, type, first) : changeMany(table, type, group);
}

/** Inserts or replaces; `first` says how, because the writes of a group are of one kind. */
async function insert(
  { connections, statements }: Table,
  type: string,
  writes: readonly Write[],
  first: Write,
): Promise<WriteResult[]> {
  const sentAt = Date.now();
  const keys = writes.map(({ id }) => toKey(id));
  const columns = [
    keys,
    writes.map(({ id }) => toFullText(id)),
    writes.map(({ version }) => version),
    writes.map(({ createdAt }) => createdAt),
    writes.map(({ expiresAt }) => leftMs(expiresAt, sentAt)),
  ];
  const kind = [first.if === "absent", first.extend === true];
  const rows = (await (writes.length === 1
    ? connections.query(statements.insertOne, [
        toKey(type),
        ...columns.map(([value]) => value),
        first.json,
        ...kind,
      ])
    : connections.query(statements.insertMany, [
        toKey(type),
        ...columns,
        statements.manyValues(writes.map(({ json }) => json)),
        ...kind,
      ]))) as readonly Row[];
  // One write gets its own row back without the value.
  const inTheWay = rows.filter(({ value }) => value !== null);
  if (inTheWay.length === 0) return writes.map(() => "done");
  const conflicts = new Map(inTheWay.map((row) => [row.id, { conflict: toStored(row, sentAt) }]));
  return keys.map((key) => conflicts.get(key) ?? "done");
}

async function changeMany(
  { connections, statements }: Table,
  type: string,
  writes: readonly Write[],
): Promise<WriteResult[]> {
  const sentAt = Date.now();
  const keys = writes.map(({ id }) => toKey(id));
  const rows = await connections.query(statements.changeMany, [
    toKey(type),
    keys,
    writes.map(({ version }) => version),
    writes.map(({ createdAt }) => createdAt),
    writes.map(({ expiresAt }) => leftMs(expiresAt, sentAt)),
    statements.manyValues(writes.map(({ json }) => json)),
    writes.map(({ extend }) => extend === true),
    writes.map((write) => write.if),
  ]);
  if (rows.length === 0) return writes.map(() => "done");
  const conflicts = new Map<string, Conflict>();
  for (const row of rows as readonly (Row & { asked_id: string })[]) {
    // What is missing or has expired comes without a value.
    const conflict = row.value === null ? null : toStored(row, sentAt);
    conflicts.set(row.asked_id, { conflict });
  }
  return keys.map((key) => conflicts.get(key) ?? "done");
}

/** Mostly nothing stands in the way, and then the plain statement is the quickest. */
async function changeOne(
  { connections, statements }: Table,
  type: string,
  write: Write,
): Promise<WriteResult[]> {
  const address = [toKey(type), toKey(write.id)];
  const changed = await connections.query(statements.changeOne, [
    ...address,
    write.version,
    write.createdAt,
    leftMs(write.expiresAt, Date.now()),
    write.json,
    write.extend === true,
    write.if,
  ]);
  if (changed.length > 0) return ["done"];
  const sentAt = Date.now();
  const [row] = await connections.query(statements.readOne, [...address, null]);
  return [{ conflict: row ? toStored(row as Row, sentAt) : null }];
}
