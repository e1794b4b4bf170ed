import type { WriteResult } from "../../databank/driver.js";
import { DatabankError } from "../../databank/errors.js";
import { MAX_BATCH } from "./statements.js";
import type { Table } from "./table.js";
import type { Task } from "./write-values.js";

// What a statement has besides the value of an entry: keys, versions, and the text of it all.
const BYTES_BESIDE = 4096;

/** Parts that fit into one statement; what fits into none gets its result. */
export function partsOf(
  { connections: { maxPacketBytes } }: Table,
  tasks: readonly Task[],
  results: WriteResult[],
): readonly (readonly Task[])[] {
  const parts: Task[][] = [];
  let part: Task[] = [];
  let bytes = 0;
  // In the order of their keys, in which every statement locks its rows.
  for (const task of sorted(tasks)) {
    const size = Buffer.byteLength(task.write.json) + task.id.length * 6 + BYTES_BESIDE;
    if (size > maxPacketBytes) {
      results[task.place] = tooLarge(maxPacketBytes);
      continue;
    }
    // Filling up may double it.
    if (part.length > 0 && (part.length === MAX_BATCH || (bytes + size) * 2 > maxPacketBytes)) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(task);
    bytes += size;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

function sorted(tasks: readonly Task[]): readonly Task[] {
  if (tasks.length < 2) return tasks;
  return tasks.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function tooLarge(maxPacketBytes: number): DatabankError {
  return new DatabankError(
    `The value is larger than the server accepts, whose max_allowed_packet is ${maxPacketBytes} bytes`,
    { code: "DATABANK_VALUE_TOO_LARGE" },
  );
}
