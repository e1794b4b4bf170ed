import type { DatabankError } from "../databank/errors.js";
import { invalidOption } from "../databank/options.js";

/**
 * A `DATABANK_INVALID_OPTION` for a table of somebody else.
 *
 * @param column - What it lacks, such as "id", or "value of the type json".
 */
export function foreignTable(table: string, column: string): DatabankError {
  return invalidOption(
    `The table ${table} has no column ${column}, so it is not a databank's; choose another name with the option table`,
  );
}
