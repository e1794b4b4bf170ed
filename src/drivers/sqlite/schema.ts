import type { Schema } from "../../databank/driver.js";
import { type Definition, indicesOf } from "./indices.js";
import { identifier } from "./text.js";

/** The columns of the table. */
export const COLUMNS = "type id version created_at expires_at cleanup_at value".split(" ");

/**
 * What `connect` makes where it is missing.
 *
 * In the table the value comes last, so that a touch changes only the first page of a long row.
 * `cleanup_at` is when cleanup looks at an entry: at its deadline, or at an earlier one that it
 * had. A touch leaves it alone, and with it the index.
 */
export function definitionsOf(table: string, schema: Schema): readonly Definition[] {
  const name = identifier(table);
  const cleanup = `${table}_cleanup`;
  return [
    {
      name: table,
      sql: `CREATE TABLE IF NOT EXISTS ${name} (
  type TEXT NOT NULL,
  id TEXT NOT NULL,
  version TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  cleanup_at INTEGER,
  value TEXT NOT NULL,
  PRIMARY KEY (type, id)
) STRICT`,
    },
    {
      name: cleanup,
      sql: `CREATE INDEX IF NOT EXISTS ${identifier(cleanup)} ON ${name} (type, cleanup_at)
  WHERE cleanup_at IS NOT NULL`,
    },
    ...indicesOf(schema, table),
  ];
}
