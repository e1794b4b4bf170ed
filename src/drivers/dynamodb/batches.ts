import { setTimeout as delay } from "node:timers/promises";
import { DatabankError } from "../../databank/errors.js";
import type { Api, Item } from "./client.js";
import { type Key, toItemKey } from "./key.js";

const MAX_GETS = 100;
/** How many members a batch of writes may have. */
export const MAX_WRITES = 25;
const MAX_ATTEMPTS = 8;
const FIRST_PAUSE_MS = 25;
const MAX_PAUSE_MS = 1000;

/** Gets items, each as it is now, or `null`. One trip for each hundred. */
export async function getItems(
  api: Api,
  table: string,
  keys: readonly Pick<Key, "pk" | "sk">[],
): Promise<readonly (Item | null)[]> {
  const found = new Map<string, Item>();
  await Promise.all(
    chunks(keys, MAX_GETS).map(async (some) => {
      let wanted: readonly Item[] = some.map(toItemKey);
      for (let attempt = 1; wanted.length > 0; ) {
        const answer = await api.call<GetAnswer>("BatchGetItem", {
          RequestItems: { [table]: { Keys: wanted, ConsistentRead: true } },
        });
        for (const item of answer.Responses?.[table] ?? []) found.set(nameOf(item), item);
        const left = answer.UnprocessedKeys?.[table]?.Keys ?? [];
        attempt = left.length < wanted.length ? 1 : attempt + 1;
        wanted = left;
        if (wanted.length > 0) await pause(attempt);
      }
    }),
  );
  return keys.map(({ pk, sk }) => found.get(name(pk, sk)) ?? null);
}

/** One member of a batch of writes. */
export type WriteRequest =
  | { readonly PutRequest: { readonly Item: Item } }
  | { readonly DeleteRequest: { readonly Key: Item } };

/** Stores and deletes items whatever is there. One trip for each 25. */
export async function writeItems(
  api: Api,
  table: string,
  requests: readonly WriteRequest[],
): Promise<void> {
  await Promise.all(
    chunks(requests, MAX_WRITES).map(async (some) => {
      let wanted: readonly WriteRequest[] = some;
      for (let attempt = 1; wanted.length > 0; ) {
        const answer = await api.call<WriteAnswer>("BatchWriteItem", {
          RequestItems: { [table]: wanted },
        });
        const left = answer.UnprocessedItems?.[table] ?? [];
        attempt = left.length < wanted.length ? 1 : attempt + 1;
        wanted = left;
        if (wanted.length > 0) await pause(attempt);
      }
    }),
  );
}

interface GetAnswer {
  readonly Responses?: Readonly<Record<string, readonly Item[]>>;
  readonly UnprocessedKeys?: Readonly<Record<string, { readonly Keys?: readonly Item[] }>>;
}

interface WriteAnswer {
  readonly UnprocessedItems?: Readonly<Record<string, readonly WriteRequest[]>>;
}

/** What is left over did not fit into one answer, or came too fast. */
async function pause(attempt: number): Promise<void> {
  if (attempt === MAX_ATTEMPTS) {
    throw new DatabankError(
      "DynamoDB left a part of a batch undone again and again; the table has too little capacity",
    );
  }
  const limit = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
  await delay(limit * (0.5 + Math.random() / 2));
}

/** Parts of a list, each of up to `size` members. */
export function chunks<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) =>
    all.slice(i * size, (i + 1) * size),
  );
}

function nameOf({ pk, sk }: Item): string {
  return name(pk?.S ?? "", sk?.S ?? "");
}

// Keys hold no NUL.
function name(pk: string, sk: string): string {
  return `${pk}\0${sk}`;
}
