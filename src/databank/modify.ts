import { setTimeout as delay } from "node:timers/promises";
import { toDeadline } from "./address.js";
import type { Collector } from "./collector.js";
import type { StoredEntry } from "./driver.js";
import { type Entry, toEntry } from "./entry.js";
import { DatabankError } from "./errors.js";
import { toJson, type Value } from "./json.js";
import { checkFunction, checkNames } from "./options.js";
import { newLife, nextVersion } from "./version.js";
import type { ModifyOptions } from "./write-options.js";

// Each round of a race has a winner, so this many writers of one entry all get through, and with
// pauses of random length far more.
const MAX_ATTEMPTS = 100;
const MAX_PAUSE_MS = 20;

/**
 * Gives the new value for the one that is there, or `undefined` to leave things as they are. It
 * may be called again, with what someone else has written meanwhile.
 *
 * @param value - `undefined` where nothing is there.
 */
export type Change<T = Value> = (value: T | undefined, entry: Entry<T> | null) => unknown;

/** Reads the live entry under an id. */
export async function readStored(
  collector: Collector,
  type: string,
  id: string,
): Promise<StoredEntry | null> {
  const found = await collector.read(type, { id });
  return found?.json === undefined ? null : found;
}

/**
 * Changes an entry by reading it and writing on the version that was read, over again when
 * someone else was faster.
 *
 * @throws DatabankError `DATABANK_CONFLICT` when someone else always was.
 */
export async function modify<T>(
  collector: Collector,
  type: string,
  id: string,
  change: Change<T>,
  options: ModifyOptions,
): Promise<Entry<T> | null> {
  checkFunction("change", change);
  checkNames("modify", options, ["expiresAt", "extend"]);
  const deadline = options.expiresAt === undefined ? undefined : toDeadline(options.expiresAt);
  // A deadline that is only carried along must not undo a touch of the meantime.
  const extend = options.extend ?? deadline === undefined;
  let stored = await readStored(collector, type, id);
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const json = changed(type, stored, change);
    if (json === undefined) return stored && toEntry(type, stored);
    const next: StoredEntry = {
      id,
      json,
      version: stored ? nextVersion(stored.version) : newLife(),
      createdAt: stored?.createdAt ?? Date.now(),
      expiresAt: deadline === undefined ? (stored?.expiresAt ?? null) : deadline,
    };
    const result = await collector.write(type, {
      ...next,
      if: stored?.version ?? "absent",
      extend,
    });
    if (result === "done") return toEntry(type, next);
    stored = result.conflict;
    // Only now and then: who pauses longer after each loss always loses to who never has to.
    if (attempt % 2 === 0) await delay(Math.random() * Math.min(attempt, MAX_PAUSE_MS));
  }
  throw new DatabankError(
    `Others changed the '${type}' each of the ${MAX_ATTEMPTS} times that this change was tried; try again later`,
    { code: "DATABANK_CONFLICT" },
  );
}

function changed<T>(
  type: string,
  stored: StoredEntry | null,
  change: Change<T>,
): string | undefined {
  const entry = stored && toEntry<T>(type, stored);
  const value = change(entry?.value, entry);
  if (value === undefined) return undefined;
  // A promise would be stored as an empty object.
  if (value instanceof Promise) {
    throw new DatabankError("The function given to modify must return the value, not a promise", {
      code: "DATABANK_INVALID_VALUE",
    });
  }
  return toJson(value);
}
