import type { StoredEntry, Write } from "../../databank/driver.js";
import { type Batch, own } from "./batches.js";
import type { Parameter } from "./client.js";
import { fullText, idKey, typeKey } from "./text.js";
import { valueText } from "./value-text.js";

/** A write and where its result belongs. */
export interface Task {
  readonly id: string;
  readonly write: Write;
  readonly place: number;
}

/** The parameters of rows to insert, filled up with the shortest. */
export function rowsOf(type: string, { members, size }: Batch<Task>): readonly Parameter[] {
  const key = typeKey(type);
  const rows = members.map(({ write: each }) => rowOf(key, each));
  const [first] = rows;
  if (!first || rows.length === size) return rows.flat();
  const shortest = rows.reduce((a, b) => (valueLength(b) < valueLength(a) ? b : a), first);
  return [...rows, ...Array(size - rows.length).fill(shortest)].flat();
}

function rowOf(type: string, write: Write): readonly Parameter[] {
  const left = remaining(write);
  const { id, version, createdAt, json } = write;
  return [type, idKey(id), fullText(id), version, `${createdAt}`, left, left, valueText(json)];
}

function valueLength(row: readonly Parameter[]): number {
  return row.at(-1)?.length ?? 0;
}

export function updateValues(
  type: string,
  kind: "update" | "updateExtend",
  batch: Batch<Task>,
): readonly Parameter[] {
  const expiry = own(batch, ({ write: each }) => remaining(each));
  return [
    ...own(batch, ({ write: each }) => each.version),
    ...own(batch, ({ write: each }) => `${each.createdAt}`),
    ...own(batch, ({ write: each }) => valueText(each.json)),
    ...(kind === "update" ? [...expiry, ...expiry] : expiry),
    ...[typeKey(type), ...batch.keys],
    ...own(batch, ({ write: each }) => (each.if === "present" ? null : (each.if ?? null))),
  ];
}

export function changes({ version, createdAt, json }: StoredEntry): readonly Parameter[] {
  return [version, `${createdAt}`, valueText(json)];
}

/** The time that is left, which the server adds to its own clock. */
export function remaining({ expiresAt }: { readonly expiresAt: number | null }): string | null {
  return expiresAt === null ? null : `${Math.ceil(expiresAt - Date.now())}`;
}
