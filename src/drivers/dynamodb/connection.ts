import type { Schema } from "../../databank/driver.js";
import { Api } from "./client.js";
import { pathsOf } from "./indices.js";
import type { Settings } from "./options.js";
import { Search } from "./search.js";
import { inspectTable, prepareTable } from "./table.js";

/** A client, and the table as it was found. */
export interface Connection {
  readonly api: Api;
  readonly search: Search;
}

/**
 * Prepares the table for a schema.
 *
 * @param earlier - The connection that there is; its client goes on.
 */
export async function open(
  settings: Settings,
  schema: Schema,
  earlier: Connection | undefined,
): Promise<Connection> {
  const api = earlier?.api ?? (await Api.open(settings));
  try {
    const { table, createTable } = settings;
    const active = createTable
      ? await prepareTable(api, table, pathsOf(schema))
      : await inspectTable(api, table);
    const search = new Search(api, table, schema, active);
    await search.prepare();
    return { api, search };
  } catch (error) {
    if (!earlier) api.close();
    throw error;
  }
}
