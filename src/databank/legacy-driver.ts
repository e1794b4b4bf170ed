import type { Capabilities, Criterion, Driver, Schema, StoredEntry } from "./driver.js";
import { DELETION_GRACE_MS, isLive } from "./entry.js";
import { NotImplementedError } from "./errors.js";
import { parseJson } from "./json.js";
import { call, type LegacyDatabank } from "./legacy-databank.js";
import { type LegacyDriverOptions, LegacyEntries } from "./legacy-entries.js";
import { ownValue } from "./own-value.js";

export { isLegacyDatabank, type LegacyDatabank } from "./legacy-databank.js";
export type { LegacyDriverOptions } from "./legacy-entries.js";

// Of an object of which only the methods are known, nothing more can be promised.
const CAPABILITIES: Capabilities = {
  conditionalWrites: "best-effort",
  clock: "process",
  expiryGranularityMs: 1,
  nativeExpiry: false,
  touch: "rewrite",
  scan: true,
  search: true,
  durable: false,
  shared: false,
  maxValueBytes: null,
};

/**
 * Makes a driver of a databank object of the npm package `databank`, version 0.19 or 1.
 *
 * Its owner connects and disconnects it. It keeps nothing beside the value, so:
 *
 * - Conditions hold against everyone in this process, and against other processes mostly.
 * - Deadlines are what `deadlineOf` finds in the value; without it nothing expires.
 * - `createdAt` is 0 for what this process has not written.
 * - A scan reads the whole type at once, and gives the id "" to values that do not tell theirs.
 */
export function legacyDriver(bank: LegacyDatabank, options: LegacyDriverOptions = {}): Driver {
  const entries = new LegacyEntries(bank, options);
  let schema: Schema = {};

  function idOf(type: string, value: unknown): string {
    if (options.idOf) return options.idOf(type, value) ?? "";
    const pkey = pkeyIn(schema, type) ?? pkeyIn(bank.schema, type);
    const id = pkey === undefined ? undefined : ownValue(value, pkey);
    return typeof id === "string" || typeof id === "number" ? String(id) : "";
  }

  async function list(type: string, criteria?: object): Promise<StoredEntry[]> {
    const found: StoredEntry[] = [];
    const keep = (value: unknown) => {
      found.push(entries.toStored(type, idOf(type, value), value));
    };
    await call((callback) => {
      if (criteria) bank.search(type, criteria, keep, callback);
      else bank.scan(type, keep, callback);
    });
    return found;
  }

  async function listLive(type: string, criteria?: object): Promise<StoredEntry[]> {
    const now = Date.now();
    return (await list(type, criteria)).filter((entry) => isLive(entry.expiresAt, now));
  }

  return {
    name: "legacy",
    capabilities: CAPABILITIES,

    async connect(given) {
      schema = given;
    },

    async disconnect() {},

    read: (type, reads) => Promise.all(reads.map(({ id }) => entries.read(type, id))),

    write: (type, writes) => Promise.all(writes.map((write) => entries.write(type, write))),

    touch: (type, touches) => Promise.all(touches.map((touch) => entries.touch(type, touch))),

    del: (type, deletions) => Promise.all(deletions.map((deletion) => entries.del(type, deletion))),

    async scan(type) {
      return { entries: await listLive(type), cursor: null };
    },

    async search(type, criteria) {
      const plain = plainCriteria(criteria);
      return { entries: await listLive(type, plain), cursor: null };
    },

    async count(type) {
      return { live: (await listLive(type)).length, cursor: null };
    },

    async clear(type) {
      const found = await list(type);
      if (found.some(({ id }) => id === "")) throw withoutIds(type);
      for (const { id } of found) await entries.drop(type, id);
      return { deleted: found.length, cursor: null };
    },

    async deleteExpired(type) {
      const before = Date.now() - DELETION_GRACE_MS;
      let deleted = 0;
      for (const { id, expiresAt } of await list(type)) {
        if (id === "" || isLive(expiresAt, before)) continue;
        if (await entries.deleteExpired(type, id, before)) deleted += 1;
      }
      return { deleted, cursor: null };
    },
  };
}

/** The criteria that an old databank compares rightly, if any: texts, numbers and switches. */
function plainCriteria(criteria: readonly Criterion[]): object | undefined {
  const plain = criteria
    .map(({ path, json }) => [path, parseJson(json)] as const)
    .filter(([, value]) => typeof value !== "object");
  return plain.length > 0 ? Object.fromEntries(plain) : undefined;
}

function pkeyIn(schema: unknown, type: string): string | undefined {
  const pkey = ownValue(ownValue(schema, type), "pkey");
  return typeof pkey === "string" ? pkey : undefined;
}

function withoutIds(type: string): NotImplementedError {
  return new NotImplementedError(
    `An old databank cannot delete a '${type}' without its id; declare schema['${type}'].pkey`,
  );
}
