import type {
  CountedPage,
  DeletedPage,
  EntryPage,
  Page,
  StoredEntry,
} from "../../databank/driver.js";
import { writeItems } from "./batches.js";
import type { Api, Item } from "./client.js";
import { liveEntryOf, type OnUnreadable } from "./item.js";
import { partitionOf, SHARDS } from "./key.js";

/** Where a listing goes on: a shard, and the last key of it that was seen. */
type Cursor = readonly [shard: number, after: string | null];

/** A part of an answer to a query. */
export interface QueryAnswer {
  readonly Items?: readonly Item[];
  readonly Count?: number;
  readonly LastEvaluatedKey?: Item;
}

/** Items of a type, one shard after another, until there are `limit` of them or none is left. */
export async function itemsOf(
  api: Api,
  table: string,
  type: string,
  { limit, cursor }: Page,
): Promise<{ readonly items: readonly Item[]; readonly cursor: string | null }> {
  const items: Item[] = [];
  let [shard, after] = cursor === null ? ([0, null] as Cursor) : (JSON.parse(cursor) as Cursor);
  while (shard < SHARDS) {
    const pk = partitionOf(type, shard);
    const answer: QueryAnswer = await api.call<QueryAnswer>("Query", {
      TableName: table,
      ConsistentRead: true,
      Limit: limit - items.length,
      ...inPartition(pk),
      ...(after !== null && { ExclusiveStartKey: { pk: { S: pk }, sk: { S: after } } }),
    });
    items.push(...(answer.Items ?? []));
    after = answer.LastEvaluatedKey?.sk?.S ?? null;
    if (after === null) shard += 1;
    if (items.length >= limit) break;
  }
  return { items, cursor: shard < SHARDS ? JSON.stringify([shard, after]) : null };
}

/** A page of live entries, by shards and ids. */
export async function scanPage(
  api: Api,
  table: string,
  type: string,
  page: Page,
  onUnreadable: OnUnreadable,
): Promise<EntryPage> {
  const { items, cursor } = await itemsOf(api, table, type, page);
  return { entries: liveEntriesOf(items, onUnreadable), cursor };
}

/** The live entries among items. */
export function liveEntriesOf(
  items: readonly (Item | null)[],
  onUnreadable: OnUnreadable,
): readonly StoredEntry[] {
  return items.flatMap((item) => liveEntryOf(item, undefined, onUnreadable) ?? []);
}

/**
 * Counts the live entries among the next items of every shard. DynamoDB reads them all for that, and
 * sends none, so that a step may look at so many in each.
 */
export async function countItems(
  api: Api,
  table: string,
  type: string,
  { limit, cursor }: Page,
): Promise<CountedPage> {
  const now = { ":now": { N: `${Date.now()}` } };
  const { answers, next } = await inShards(type, cursor, (pk, from) =>
    api.call<QueryAnswer>("Query", {
      TableName: table,
      ConsistentRead: true,
      Select: "COUNT",
      Limit: limit,
      ...inPartition(pk, now, { "#expiresAt": "expiresAt" }),
      FilterExpression: "attribute_not_exists(#expiresAt) OR #expiresAt > :now",
      ...from,
    }),
  );
  return { live: answers.reduce((sum, { Count = 0 }) => sum + Count, 0), cursor: next };
}

/** Deletes some items of every shard, live or not. */
export async function clearItems(
  api: Api,
  table: string,
  type: string,
  { limit, cursor }: Page,
): Promise<DeletedPage> {
  const { answers, next } = await inShards(type, cursor, (pk, from) =>
    api.call<QueryAnswer>("Query", {
      TableName: table,
      ConsistentRead: true,
      Limit: Math.ceil(limit / SHARDS),
      ...inPartition(pk, {}, { "#sk": "sk" }),
      ProjectionExpression: "#pk, #sk",
      ...from,
    }),
  );
  const keys = answers.flatMap(({ Items = [] }) => Items);
  await writeItems(
    api,
    table,
    keys.map((Key) => ({ DeleteRequest: { Key } })),
  );
  return { deleted: keys.length, cursor: next };
}

/** How far a walk has come in each shard: behind a key, at the beginning (""), or at the end. */
type Progress = readonly (string | null)[];

const BEGINNING: Progress = Array.from({ length: SHARDS }, () => "");

/** Asks all shards for more that have more. */
async function inShards(
  type: string,
  cursor: string | null,
  ask: (pk: string, from: object) => Promise<QueryAnswer>,
): Promise<{ readonly answers: readonly QueryAnswer[]; readonly next: string | null }> {
  const progress = cursor === null ? BEGINNING : (JSON.parse(cursor) as Progress);
  const answers = await Promise.all(
    progress.map((after, shard): QueryAnswer | Promise<QueryAnswer> => {
      if (after === null) return {};
      const pk = partitionOf(type, shard);
      return ask(
        pk,
        after === "" ? {} : { ExclusiveStartKey: { pk: { S: pk }, sk: { S: after } } },
      );
    }),
  );
  const next = answers.map(({ LastEvaluatedKey }) => LastEvaluatedKey?.sk?.S ?? null);
  return { answers, next: next.every((each) => each === null) ? null : JSON.stringify(next) };
}

/** Whether a type has no items. */
export async function isEmpty(api: Api, table: string, type: string): Promise<boolean> {
  const answers = await Promise.all(
    shardsOf(type).map((pk) =>
      api.call<QueryAnswer>("Query", {
        TableName: table,
        ConsistentRead: true,
        Limit: 1,
        ...inPartition(pk),
      }),
    ),
  );
  return answers.every(({ Items = [] }) => Items.length === 0);
}

function shardsOf(type: string): readonly string[] {
  return Array.from({ length: SHARDS }, (_, shard) => partitionOf(type, shard));
}

function inPartition(pk: string, values = {}, names = {}): object {
  return {
    KeyConditionExpression: "#pk = :pk",
    ExpressionAttributeNames: { "#pk": "pk", ...names },
    ExpressionAttributeValues: { ":pk": { S: pk }, ...values },
  };
}
