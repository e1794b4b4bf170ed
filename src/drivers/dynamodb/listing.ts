import type { EntryPage, Page, StoredEntry } from "../../databank/driver.js";
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

/** How many live entries a type has. DynamoDB reads all of them for that. */
export async function countItems(api: Api, table: string, type: string): Promise<number> {
  const counts = await Promise.all(
    shardsOf(type).map(async (pk) => {
      let count = 0;
      const pages = queryPages(api, table, {
        ConsistentRead: true,
        Select: "COUNT",
        ...inPartition(pk, { ":now": { N: `${Date.now()}` } }, { "#expiresAt": "expiresAt" }),
        FilterExpression: "attribute_not_exists(#expiresAt) OR #expiresAt > :now",
      });
      for await (const { Count = 0 } of pages) count += Count;
      return count;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Deletes every item of a type. */
export async function clearItems(api: Api, table: string, type: string): Promise<void> {
  await Promise.all(
    shardsOf(type).map(async (pk) => {
      const pages = queryPages(api, table, {
        ConsistentRead: true,
        ...inPartition(pk, {}, { "#sk": "sk" }),
        ProjectionExpression: "#pk, #sk",
      });
      for await (const { Items = [] } of pages) {
        const requests = Items.map((Key) => ({ DeleteRequest: { Key } }));
        await writeItems(api, table, requests);
      }
    }),
  );
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

async function* queryPages(
  api: Api,
  table: string,
  input: object,
): AsyncGenerator<QueryAnswer, void, undefined> {
  let from: Item | undefined;
  do {
    const answer: QueryAnswer = await api.call<QueryAnswer>("Query", {
      TableName: table,
      ...input,
      ...(from && { ExclusiveStartKey: from }),
    });
    yield answer;
    from = answer.LastEvaluatedKey;
  } while (from);
}
