import type { Driver, Write, WriteResult } from "../databank/driver.js";
import { DatabankError } from "../databank/errors.js";
import { isLonger } from "../databank/text-bytes.js";
import { getItems } from "./dynamodb/batches.js";
import { type Addressed, changeItems, type Place } from "./dynamodb/changes.js";
import { Api } from "./dynamodb/client.js";
import { prepare } from "./dynamodb/connection.js";
import { retryAfter } from "./dynamodb/errors.js";
import { indexedAttributes } from "./dynamodb/indices.js";
import { liveEntryOf } from "./dynamodb/item.js";
import { keyOf } from "./dynamodb/key.js";
import { clearItems, countItems, scanPage } from "./dynamodb/listing.js";
import { type DynamodbOptions, resolveOptions } from "./dynamodb/options.js";
import { DELETING, TOUCHING, writing } from "./dynamodb/plans.js";
import { isUnconditional, writeAnyway } from "./dynamodb/unconditional.js";
import { lifeCycle } from "./life-cycle.js";

export type { DynamodbClient } from "./dynamodb/client.js";
export type {
  DynamodbClientOptions,
  DynamodbOptions,
  DynamodbUrlOptions,
} from "./dynamodb/options.js";

// An item has 400 KB, of which this leaves 20 KB to keys, names, a long id and the indexes.
const MAX_VALUE_BYTES = 380 * 1024;

/** Stores entries in a table of DynamoDB. */
export function dynamodbDriver(options: DynamodbOptions): Driver {
  const settings = resolveOptions(options);
  const { connected, connect, disconnect } = lifeCycle({
    open: () => Api.open(settings),
    prepare: (api, schema) => prepare(api, settings, schema),
    close: (api) => api.close(),
  });

  function placeOf(type: string): Place {
    const { api, search } = connected();
    const paths = search.pathsOf(type);
    return {
      api,
      table: settings.table,
      indexed: (json) => indexedAttributes(type, paths, json),
      onUnreadable: unreadable(type),
    };
  }

  function unreadable(type: string) {
    return (cause: unknown) => driver.onCorrupt?.({ type, cause });
  }

  const driver: Driver = {
    name: "dynamodb",
    capabilities: {
      conditionalWrites: "atomic",
      clock: "process",
      expiryGranularityMs: 1,
      nativeExpiry: true,
      touch: "in-place",
      scan: true,
      search: true,
      durable: true,
      shared: true,
      maxValueBytes: MAX_VALUE_BYTES,
    },
    // As many as a read can ask for at once. Conditional writes go side by side.
    calling: { maxBatch: 100 },

    connect,
    disconnect,

    async read(type, reads) {
      const keys = reads.map(({ id }) => keyOf(type, id));
      const items = await getItems(connected().api, settings.table, keys);
      return items.map((item, i) => liveEntryOf(item, keys[i]?.fullId, unreadable(type)));
    },

    async write(type, writes) {
      const place = placeOf(type);
      const results = new Map<Write, WriteResult | Error>();
      const anyway: Addressed<Write>[] = [];
      const conditional: Addressed<Write>[] = [];
      for (const member of writes) {
        if (isLonger(member.json, MAX_VALUE_BYTES)) results.set(member, tooLarge());
        else if (isUnconditional(member)) anyway.push({ member, key: keyOf(type, member.id) });
        else conditional.push({ member, key: keyOf(type, member.id) });
      }
      const done = await Promise.all([
        writeAnyway(place, anyway),
        changeItems(place, conditional, writing(place)),
      ]);
      const answers = done.flat();
      for (const [i, { member }] of [...anyway, ...conditional].entries()) {
        const result = answers[i];
        if (result !== undefined) results.set(member, result);
      }
      return writes.map((write) => results.get(write) ?? new Error("DynamoDB gave no answer"));
    },

    touch: async (type, touches) => changeItems(placeOf(type), addressed(type, touches), TOUCHING),
    del: async (type, deletions) =>
      changeItems(placeOf(type), addressed(type, deletions), DELETING),

    scan: async (type, page) =>
      scanPage(connected().api, settings.table, type, page, unreadable(type)),
    search: async (type, criteria, page) =>
      connected().search.page(type, criteria, page, unreadable(type)),
    count: async (type, page) => countItems(connected().api, settings.table, type, page),
    clear: async (type, page) => clearItems(connected().api, settings.table, type, page),

    retry: retryAfter,
  };

  return driver;
}

function addressed<M extends { readonly id: string }>(
  type: string,
  members: readonly M[],
): readonly Addressed<M>[] {
  return members.map((member) => ({ member, key: keyOf(type, member.id) }));
}

function tooLarge(): DatabankError {
  return new DatabankError(
    `The value is larger than the ${MAX_VALUE_BYTES} bytes that the dynamodb databank can hold`,
    { code: "DATABANK_VALUE_TOO_LARGE" },
  );
}
