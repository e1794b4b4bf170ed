import { DatabankError } from "../../databank/errors.js";
import type { Item } from "./client.js";

/** Whether an error of the client has this name, such as `ResourceNotFoundException`. */
export function isNamed(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}

/** The item in the way of a conditional write, `undefined` where the server does not say. */
export function itemOf(error: unknown): Item | undefined {
  const item: unknown = Object(error).Item;
  return typeof item === "object" && item !== null ? (item as Item) : undefined;
}

/** What to do after a call that failed. The client has already repeated what is worth it. */
export function retryAfter(error: unknown): "each" | "never" {
  return isNamed(error, "ValidationException") ? "each" : "never";
}

/** An error for the place of a member that failed. */
export function slotError(error: unknown): Error {
  if (isNamed(error, "ValidationException") && /item size/i.test((error as Error).message)) {
    return new DatabankError(
      "The entry is larger than the 400 KB that an item of DynamoDB can have, its id and its indexed values included",
      { code: "DATABANK_VALUE_TOO_LARGE", cause: error },
    );
  }
  return error instanceof Error ? error : new Error(String(error));
}
