import { setTimeout as delay } from "node:timers/promises";
import { DatabankError } from "../../databank/errors.js";
import { invalidOption } from "../../databank/options.js";
import type { Api } from "./client.js";
import { isNamed } from "./errors.js";
import { indexName } from "./indices.js";

const POLL_MS = 250;
const READY_MS = 120_000;
const MAX_INDEXES = 20;

interface Description {
  readonly TableStatus?: string;
  readonly KeySchema?: readonly { readonly AttributeName: string; readonly KeyType: string }[];
  readonly GlobalSecondaryIndexes?: readonly {
    readonly IndexName?: string;
    readonly IndexStatus?: string;
  }[];
}

/**
 * Makes what is missing: the table, the indexes on `paths`, and the time to live. Any number of
 * processes may do so at once.
 *
 * @returns The names of the indexes that can be asked.
 */
export async function prepareTable(
  api: Api,
  table: string,
  paths: readonly string[],
): Promise<ReadonlySet<string>> {
  if ((await describe(api, table)) === undefined) {
    await create(api, table, paths.slice(0, MAX_INDEXES));
  }
  const description = await untilActive(api, table);
  checkKeys(table, description);
  await addIndexes(api, table, paths, description);
  await enableTimeToLive(api, table);
  return activeIndexes(description);
}

/**
 * Looks at a table that somebody else has made.
 *
 * @returns The names of the indexes that can be asked.
 */
export async function inspectTable(api: Api, table: string): Promise<ReadonlySet<string>> {
  const description = await describe(api, table);
  if (description === undefined) {
    throw new DatabankError(
      `DynamoDB has no table ${table}; create it, or let the driver do so with createTable: true`,
    );
  }
  checkKeys(table, description);
  return activeIndexes(description);
}

async function describe(api: Api, table: string): Promise<Description | undefined> {
  try {
    const answer = await api.call<{ Table?: Description }>("DescribeTable", { TableName: table });
    return answer.Table;
  } catch (error) {
    if (isNamed(error, "ResourceNotFoundException")) return undefined;
    throw error;
  }
}

async function create(api: Api, table: string, paths: readonly string[]): Promise<void> {
  const names = paths.map(indexName);
  try {
    await api.call("CreateTable", {
      TableName: table,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: ["pk", "sk", ...names].map(definition),
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      ...(names.length > 0 && { GlobalSecondaryIndexes: names.map(index) }),
    });
  } catch (error) {
    // Somebody else was faster.
    if (!isNamed(error, "ResourceInUseException")) throw error;
  }
}

async function untilActive(api: Api, table: string): Promise<Description> {
  const end = performance.now() + READY_MS;
  for (;;) {
    // A table that was just asked for may not be known everywhere yet.
    const description = await describe(api, table);
    const status = description?.TableStatus;
    if (description && (status === "ACTIVE" || status === "UPDATING")) return description;
    if (performance.now() > end) {
      throw new DatabankError(`The table ${table} of DynamoDB is not ready after two minutes`);
    }
    await delay(POLL_MS);
  }
}

/**
 * Asks for the indexes that a table does not have yet. DynamoDB makes one at a time, in its own
 * time; what it refuses now is asked for again by the next process that connects.
 */
async function addIndexes(
  api: Api,
  table: string,
  paths: readonly string[],
  { GlobalSecondaryIndexes: existing = [] }: Description,
): Promise<void> {
  const known = new Set(existing.map(({ IndexName }) => IndexName));
  for (const name of paths.map(indexName)) {
    if (known.has(name)) continue;
    try {
      await api.call("UpdateTable", {
        TableName: table,
        AttributeDefinitions: ["pk", "sk", name].map(definition),
        GlobalSecondaryIndexUpdates: [{ Create: index(name) }],
      });
    } catch (error) {
      const isRefused = isNamed(
        error,
        "LimitExceededException",
        "ResourceInUseException",
        "ValidationException",
      );
      if (!isRefused) throw error;
      return;
    }
  }
}

async function enableTimeToLive(api: Api, table: string): Promise<void> {
  try {
    const answer = await api.call<{ TimeToLiveDescription?: { TimeToLiveStatus?: string } }>(
      "DescribeTimeToLive",
      { TableName: table },
    );
    if (answer.TimeToLiveDescription?.TimeToLiveStatus !== "DISABLED") return;
    await api.call("UpdateTimeToLive", {
      TableName: table,
      TimeToLiveSpecification: { Enabled: true, AttributeName: "ttl" },
    });
  } catch (error) {
    // Imitations of DynamoDB do not know it, and another process may just have done it.
    if (!isNamed(error, "UnknownOperationException", "ValidationException")) throw error;
  }
}

function checkKeys(table: string, { KeySchema = [] }: Description): void {
  const keys = KeySchema.map(({ AttributeName, KeyType }) => `${AttributeName} ${KeyType}`);
  if (keys.join() === "pk HASH,sk RANGE") return;
  throw invalidOption(
    `The table ${table} belongs to something else: its key is not pk (HASH) and sk (RANGE)`,
  );
}

function activeIndexes({ GlobalSecondaryIndexes = [] }: Description): ReadonlySet<string> {
  const active = GlobalSecondaryIndexes.filter(({ IndexStatus }) => IndexStatus === "ACTIVE");
  return new Set(active.flatMap(({ IndexName }) => IndexName ?? []));
}

function definition(name: string): object {
  return { AttributeName: name, AttributeType: "S" };
}

// Without the values: DynamoDB writes an index again only when what it holds has changed.
function index(name: string): object {
  return {
    IndexName: name,
    KeySchema: [{ AttributeName: name, KeyType: "HASH" }],
    Projection: { ProjectionType: "KEYS_ONLY" },
  };
}
