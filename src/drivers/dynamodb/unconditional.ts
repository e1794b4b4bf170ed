import type { Write, WriteResult } from "../../databank/driver.js";
import { isLive } from "../../databank/entry.js";
import { chunks, MAX_WRITES, type WriteRequest, writeItems } from "./batches.js";
import type { Addressed, Place } from "./changes.js";
import { isNamed, slotError } from "./errors.js";
import { toItem } from "./item.js";
import { toItemKey } from "./key.js";

/** Whether a write needs not know what is there. */
export function isUnconditional({ if: condition, extend }: Write): boolean {
  return condition === undefined && !extend;
}

/** Stores entries whatever is there, many in one trip. What fails one batch fails no other. */
export async function writeAnyway(
  place: Place,
  members: readonly Addressed<Write>[],
): Promise<(WriteResult | Error)[]> {
  const batches = chunks(members, MAX_WRITES).map((some) => writeBatch(place, some));
  return (await Promise.all(batches)).flat();
}

async function writeBatch(
  place: Place,
  members: readonly Addressed<Write>[],
): Promise<(WriteResult | Error)[]> {
  const now = Date.now();
  const requests = members.map(({ member, key }): WriteRequest => {
    if (!isLive(member.expiresAt, now)) return { DeleteRequest: { Key: toItemKey(key) } };
    return { PutRequest: { Item: toItem(member, key, place.indexed(member.json)) } };
  });
  try {
    await writeItems(place.api, place.table, requests);
    return members.map(() => "done");
  } catch (error) {
    // One that DynamoDB does not take spoils its whole batch.
    if (members.length > 1 && isNamed(error, "ValidationException")) {
      const alone = members.map((member) => writeBatch(place, [member]));
      return (await Promise.all(alone)).flat();
    }
    return members.map(() => slotError(error));
  }
}
