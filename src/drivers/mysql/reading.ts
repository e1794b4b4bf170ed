import type { CountedPage, EntryPage, Page, Read, ReadResult } from "../../databank/driver.js";
import { type Batch, inBatches, own } from "./batches.js";
import type { Row, Session } from "./connections.js";
import { asText, type Found, foundIn, toListed, toRead } from "./rows.js";
import type { Table } from "./table.js";
import { BEFORE_ALL, typeKey } from "./text.js";

/** The live entries of a type, or `null`, for each id. */
export function read(
  { connections, statements }: Table,
  type: string,
  reads: readonly Read[],
): Promise<readonly ReadResult[]> {
  return inBatches(reads, async (batch) => {
    const { members, size, keys } = batch;
    const key = typeKey(type);
    const rows = members.every(({ known }) => known === undefined)
      ? await connections.rows(statements.read(size), [key, ...keys])
      : await connections.rows(statements.readUnknown(size), [
          ...own(batch, ({ known }) => known ?? null),
          ...[key, ...keys],
        ]);
    const found = byKey(rows);
    return members.map(({ id }, i) => {
      const each = found.get(keys[i] ?? "");
      return each?.isLive ? toRead(id, each) : null;
    });
  });
}

/** What is there for the members of a batch, expired or not, by key. */
export async function find<M>(
  session: Session,
  sql: (size: number) => string,
  type: string,
  { size, keys }: Batch<M>,
): Promise<ReadonlyMap<string, Found>> {
  return byKey(await session.rows(sql(size), [typeKey(type), ...keys]));
}

function byKey(rows: readonly Row[]): ReadonlyMap<string, Found> {
  return new Map(foundIn(rows).map((each) => [each.key, each]));
}

/** A page of live entries, by key. */
export async function scan(
  { connections, statements }: Table,
  type: string,
  { limit, cursor }: Page,
): Promise<EntryPage> {
  return toPage(
    await connections.rows(statements.scan(limit), [typeKey(type), cursor ?? BEFORE_ALL]),
    limit,
  );
}

// Expired entries count towards the limit, so that a page is never long in the making.
export function toPage(rows: readonly Row[], limit: number): EntryPage {
  const found = foundIn(rows);
  const last = found.length < limit ? undefined : found[limit - 1];
  return {
    entries: found.filter(({ isLive }) => isLive).map(toListed),
    cursor: last?.key ?? null,
  };
}

/** Counts the live entries among the next ones, by key. */
export async function count(
  { connections, statements }: Table,
  type: string,
  { limit, cursor }: Page,
): Promise<CountedPage> {
  const [row] = await connections.rows(statements.count(limit), [
    typeKey(type),
    cursor ?? BEFORE_ALL,
  ]);
  const [seen, live, last] = row ?? [];
  return { live: Number(live), cursor: Number(seen) < limit ? null : asText(last) };
}
