import type { Schema } from "../../databank/driver.js";
import type { Api } from "./client.js";
import { pathsOf } from "./indices.js";
import type { Settings } from "./options.js";
import { Search } from "./search.js";
import { inspectTable, prepareTable } from "./table.js";

/** A client, and the table as it was found. */
export interface Connection {
  readonly api: Api;
  readonly search: Search;
}

/** Prepares the table for a schema. */
export async function prepare(
  api: Api,
  { table, createTable }: Settings,
  schema: Schema,
): Promise<Connection> {
  const active = createTable
    ? await prepareTable(api, table, pathsOf(schema))
    : await inspectTable(api, table);
  const search = new Search(api, table, schema, active);
  await search.prepare();
  return { api, search };
}
