import { describe, expect, it } from "vitest";
import type { Driver, StoredEntry, Write } from "../../src/databank/driver.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { clear, count } from "../../src/testing/driver/listing.js";
import { testDriver } from "../../src/testing/index.js";
import { outcomeOf } from "../support/contract-outcome.js";

type Fault = (good: Driver) => Partial<Driver>;

/** Runs one test of the contract, by its name, on drivers made by `open`. */
function outcome(name: string, open: () => Driver): Promise<"passed" | "failed"> {
  return outcomeOf(
    (runner) =>
      testDriver(runner, {
        seed: 1,
        async open(schema) {
          const driver = open();
          await driver.connect(schema);
          return driver;
        },
      }),
    `driver contract › ${name}`,
  );
}

/** A driver that changes ids on their way in. */
const renaming =
  (rename: (id: string) => string): Fault =>
  (good) => {
    const to = <T extends { readonly id: string }>(members: readonly T[]): T[] =>
      members.map((member) => ({ ...member, id: rename(member.id) }));
    return {
      read: (type, reads) => good.read(type, to(reads)),
      write: (type, writes) => good.write(type, to(writes)),
      touch: (type, touches) => good.touch(type, to(touches)),
      del: (type, deletions) => good.del(type, to(deletions)),
    };
  };

/** A driver that changes entries on their way in. */
const writing =
  (change: (write: Write) => Write): Fault =>
  (good) => ({ write: (type, writes) => good.write(type, writes.map(change)) });

/** A driver that changes JSON text on its way in. */
const storing = (change: (json: string) => string): Fault =>
  writing((write) => ({ ...write, json: change(write.json) }));

/** A driver that runs together types and ids. */
const joined: Fault = (good) => {
  const to = <T extends { readonly id: string }>(type: string, members: readonly T[]): T[] =>
    members.map((member) => ({ ...member, id: `${type}:${member.id}` }));
  const back = (type: string, entry: StoredEntry | null): StoredEntry | null =>
    entry && { ...entry, id: entry.id.slice(type.length + 1) };
  return {
    async read(type, reads) {
      const found = await good.read("all", to(type, reads));
      return found.map((entry) =>
        entry instanceof Error || entry?.json === undefined ? entry : back(type, entry),
      );
    },
    write: (type, writes) => good.write("all", to(type, writes)),
    touch: (type, touches) => good.touch("all", to(type, touches)),
    del: (type, deletions) => good.del("all", to(type, deletions)),
  };
};

const live = (expiresAt: number | null) => expiresAt === null || expiresAt > Date.now();

/** Drivers that are wrong in one way each, and the test that notices. */
const faults: readonly [what: string, fault: Fault, noticedBy: string][] = [
  [
    "folds the case of ids",
    renaming((id) => id.toLowerCase()),
    "awkward ids › are kept apart, whatever they look like",
  ],
  [
    "cuts ids at 255 characters",
    renaming((id) => id.slice(0, 255)),
    "awkward ids › are kept apart, whatever they look like",
  ],
  [
    "strips spaces from ids",
    renaming((id) => id.trim()),
    "awkward ids › are kept apart, whatever they look like",
  ],
  [
    "cuts ids at NUL",
    renaming((id) => id.split("\0")[0] ?? ""),
    "awkward ids › are kept apart, whatever they look like",
  ],
  [
    "stores ids as UTF-8",
    renaming((id) => Buffer.from(id).toString()),
    "awkward ids › are kept apart, whatever they look like",
  ],
  [
    "has no room for the last character of Unicode",
    renaming((id) => id.replaceAll("\u{10ffff}", "\uffff")),
    "awkward ids › are kept apart, whatever they look like",
  ],
  [
    "strips accents from ids",
    renaming((id) => id.normalize("NFD").replace(/\p{M}/gu, "")),
    "awkward ids › are kept apart, whatever they look like",
  ],
  ["runs types and ids together", joined, "awkward types › and ids never run into one another"],
  [
    "ignores deadlines",
    writing((write) => ({ ...write, expiresAt: null })),
    "expiry › read: an expired entry is absent",
  ],
  [
    "takes deadlines for seconds",
    writing((write) => ({ ...write, expiresAt: write.expiresAt && write.expiresAt * 1000 })),
    "expiry › ends a life at its deadline, neither early nor late",
  ],
  [
    "rounds deadlines down to seconds",
    writing((write) => ({
      ...write,
      expiresAt: write.expiresAt && Math.floor(write.expiresAt / 1000) * 1000,
    })),
    "expiry › ends a life at its deadline, neither early nor late",
  ],
  [
    "resets the time of creation",
    writing((write) => ({ ...write, createdAt: Date.now() })),
    "write › stores the time of creation as it is given",
  ],
  [
    "drops what is false",
    storing((json) => (json === "false" ? "null" : json)),
    "awkward values › keeps all of them in one batch",
  ],
  [
    "drops empty texts",
    storing((json) => (json === '""' ? "null" : json)),
    "awkward values › keeps all of them in one batch",
  ],
  [
    "drops zeros",
    storing((json) => (json === "0" ? "null" : json)),
    "awkward values › keeps all of them in one batch",
  ],
  [
    "takes null for nothing",
    (good) => ({
      async read(type, reads) {
        const found = await good.read(type, reads);
        return found.map((entry) =>
          entry instanceof Error || entry?.json === "null" ? null : entry,
        );
      },
    }),
    "awkward values › keeps all of them in one batch",
  ],
  [
    "loses negative zero",
    storing((json) => json.replaceAll("-0", "0")),
    "awkward values › keeps all of them in one batch",
  ],
  [
    "drops the property __proto__",
    storing(
      (json) =>
        JSON.stringify(Object.assign({}, { v: JSON.parse(json) }).v, (key, value) =>
          key === "__proto__" ? undefined : value,
        ) ?? "null",
    ),
    "awkward values › keeps all of them in one batch",
  ],
  [
    "writes absent over what is live",
    writing(({ if: condition, ...write }) =>
      condition === undefined || condition === "absent" ? write : { ...write, if: condition },
    ),
    "conditional write › absent: leaves a live entry alone and tells it",
  ],
  [
    "creates where present is asked for",
    writing(({ if: condition, ...write }) =>
      condition === undefined || condition === "present" ? write : { ...write, if: condition },
    ),
    "conditional write › present: does not create",
  ],
  [
    "does not check versions",
    writing(({ if: condition, ...write }) =>
      condition === undefined || condition.includes(".") ? write : { ...write, if: condition },
    ),
    "conditional write › version: leaves another version alone and tells it",
  ],
  [
    "compares versions by life alone",
    (good) => ({
      async write(type, writes) {
        const found = await good.read(
          type,
          writes.map(({ id }) => ({ id })),
        );
        return good.write(
          type,
          writes.map((write, i) => {
            const current = found[i];
            const same =
              current &&
              !(current instanceof Error) &&
              current.version.split(".")[0] === write.if?.split(".")[0];
            return same && write.if?.includes(".") ? { ...write, if: current.version } : write;
          }),
        );
      },
    }),
    "conditional write › version: leaves another version alone and tells it",
  ],
  [
    "refuses to create over an expired entry",
    (good) => {
      const seen = new Set<string>();
      return {
        async write(type, writes) {
          const results = await good.write(type, writes);
          return results.map((result, i) => {
            const key = `${type} ${writes[i]?.id}`;
            const isSecond = seen.has(key) && writes[i]?.if === "absent" && result === "done";
            seen.add(key);
            return isSecond ? { conflict: null } : result;
          });
        },
      };
    },
    "expiry › write: absent creates over an expired entry",
  ],
  [
    "does not tell what stood in the way",
    (good) => ({
      async write(type, writes) {
        const results = await good.write(type, writes);
        return results.map((result) =>
          typeof result === "object" && "conflict" in result ? { conflict: null } : result,
        );
      },
    }),
    "conditional write › absent: leaves a live entry alone and tells it",
  ],
  [
    "takes its own write, repeated, for a conflict with something else",
    (good) => ({
      async write(type, writes) {
        const results = await good.write(type, writes);
        return results.map((result, i) => {
          const isOwn =
            typeof result === "object" &&
            "conflict" in result &&
            result.conflict?.version === writes[i]?.version;
          return isOwn ? { conflict: null } : result;
        });
      },
    }),
    "conditional write › knows its own write when it is repeated",
  ],
  [
    "tells an older entry in conflicts",
    (good) => {
      const first = new Map<string, StoredEntry>();
      return {
        async write(type, writes) {
          const results = await good.write(type, writes);
          return results.map((result, i) => {
            const write = writes[i];
            if (write && !first.has(write.id)) first.set(write.id, write);
            if (typeof result !== "object" || !("conflict" in result) || !result.conflict)
              return result;
            return { conflict: first.get(result.conflict.id) ?? result.conflict };
          });
        },
      };
    },
    "conditional write › tells the entry that is there now, not an older one",
  ],
  [
    "fails a batch for one conflict",
    (good) => ({
      async write(type, writes) {
        const results = await good.write(type, writes);
        if (writes.length > 1 && results.some((result) => result !== "done"))
          throw new Error("conflict");
        return results;
      },
    }),
    "conditional write › a refused write does not disturb its neighbours",
  ],
  [
    "shortens by extend",
    writing(({ extend: _, ...write }) => write),
    "deadlines › extend keeps a later stored one",
  ],
  [
    "extends always",
    writing((write) => ({ ...write, extend: true })),
    "deadlines › sets the deadline outright, also an earlier one",
  ],
  [
    "ignores a deadline that has passed",
    writing((write) => (live(write.expiresAt) ? write : { ...write, expiresAt: null })),
    "deadlines › a write with a passed deadline leaves nothing live",
  ],
  [
    "creates by touch",
    (good) => ({
      async touch(type, touches) {
        const results = await good.touch(type, touches);
        await good.write(
          type,
          touches.map(({ id, expiresAt }) => ({
            id,
            expiresAt,
            json: "null",
            version: "a.0",
            createdAt: 0,
            if: "absent",
          })),
        );
        return results;
      },
    }),
    "touch › does not create",
  ],
  [
    "shortens by touch",
    (good) => ({
      async touch(type, touches) {
        const found = await good.read(
          type,
          touches.map(({ id }) => ({ id })),
        );
        const shorter = found.flatMap((entry, i) =>
          entry && !(entry instanceof Error) && entry.json !== undefined
            ? [{ ...entry, expiresAt: touches[i]?.expiresAt ?? null }]
            : [],
        );
        if (shorter.length > 0) await good.write(type, shorter);
        return found.map((entry) => entry !== null);
      },
    }),
    "touch › never shortens a life",
  ],
  [
    "changes the version by touch",
    (good) => ({
      async touch(type, touches) {
        const results = await good.touch(type, touches);
        const found = await good.read(
          type,
          touches.map(({ id }) => ({ id })),
        );
        const changed = found.flatMap((entry) =>
          entry && !(entry instanceof Error) && entry.json !== undefined
            ? [{ ...entry, version: `${entry.version}x` }]
            : [],
        );
        if (changed.length > 0) await good.write(type, changed);
        return results;
      },
    }),
    "touch › does not change the version",
  ],
  [
    "takes null for now in touch",
    (good) => ({
      touch: (type, touches) =>
        good.touch(
          type,
          touches.map(({ id, expiresAt }) => ({ id, expiresAt: expiresAt ?? 0 })),
        ),
    }),
    "touch › takes null for never",
  ],
  [
    "says that every touch found something",
    (good) => ({
      async touch(type, touches) {
        await good.touch(type, touches);
        return touches.map(() => true);
      },
    }),
    "touch › does not create",
  ],
  [
    "deletes whatever the version",
    (good) => ({
      del: (type, deletions) =>
        good.del(
          type,
          deletions.map(({ id }) => ({ id })),
        ),
    }),
    "del › leaves another version alone",
  ],
  [
    "says that every deletion found something",
    (good) => ({
      async del(type, deletions) {
        await good.del(type, deletions);
        return deletions.map(() => true);
      },
    }),
    "del › is false for what is not there",
  ],
  [
    "answers out of order",
    (good) => ({ read: async (type, reads) => [...(await good.read(type, reads))].reverse() }),
    "read › answers in the order asked, with null in the gaps",
  ],
  [
    "answers with fewer results",
    (good) => ({
      read: async (type, reads) => (await good.read(type, reads)).filter((entry) => entry !== null),
    }),
    "read › answers in the order asked, with null in the gaps",
  ],
  [
    "leaves the value of any version out",
    (good) => ({
      async read(type, reads) {
        const found = await good.read(type, reads);
        return found.map((entry, i) => {
          if (!entry || entry instanceof Error || !reads[i]?.known) return entry;
          const { json: _, ...rest } = entry;
          return rest;
        });
      },
    }),
    "read › gives the value of any version but the known one",
  ],
  [
    "hands out what it keeps",
    (good) => {
      const kept = new Map<string, StoredEntry>();
      return {
        async read(type, reads) {
          const found = await good.read(type, reads);
          return found.map((entry) => {
            if (!entry || entry instanceof Error || entry.json === undefined) return entry;
            const key = `${type} ${entry.id}`;
            const same = kept.get(key) ?? entry;
            kept.set(key, same);
            return same;
          });
        },
      };
    },
    "isolation › hands out copies",
  ],
  [
    "scans expired entries",
    (good) => ({
      async scan(type, page) {
        const { entries, cursor } = (await good.scan?.(type, page)) ?? {
          entries: [],
          cursor: null,
        };
        const expired = { id: "expired", json: "1", version: "a.0", createdAt: 1, expiresAt: 1 };
        return { entries: [...entries, expired], cursor };
      },
    }),
    "expiry › scan: shows no expired entry",
  ],
  [
    "loses entries between pages",
    (good) => ({
      async scan(type, page) {
        const { entries, cursor } = (await good.scan?.(type, page)) ?? {
          entries: [],
          cursor: null,
        };
        return { entries: cursor === null ? entries : entries.slice(1), cursor };
      },
    }),
    "scan › goes by pages of about the limit, and comes to an end",
  ],
  [
    "declares a scan that it has not",
    () => ({ scan: undefined }) as unknown as Partial<Driver>,
    "capabilities › have their methods, and undeclared ones have none",
  ],
  [
    "has a search that it does not declare",
    () => ({ search: async () => ({ entries: [], cursor: null }) }),
    "capabilities › have their methods, and undeclared ones have none",
  ],
  [
    "clears every type",
    (good) => {
      const types = new Set<string>();
      return {
        write: (type, writes) => {
          types.add(type);
          return good.write(type, writes);
        },
        clear: async () => {
          for (const type of types) await clear(good, type);
          return { deleted: 1, cursor: null };
        },
      };
    },
    "count and clear › scan, count and clear: know their type from every other",
  ],
  [
    "counts one too many",
    (good) => ({ count: async (type) => ({ live: (await count(good, type)) + 1, cursor: null }) }),
    "count and clear › count: is the number of live entries of a type",
  ],
  [
    "counts from the beginning at each step",
    (good) => ({
      count: async (type, { cursor }) => {
        return { live: await count(good, type), cursor: cursor === null ? "more" : null };
      },
    }),
    "count and clear › count: is the number of live entries of a type",
  ],
  [
    "counts without an end",
    () => ({ count: async () => ({ live: 0, cursor: "more" }) }),
    "count and clear › count: is the number of live entries of a type",
  ],
  [
    "forgets the rest when it has cleared a page",
    (good) => ({
      clear: async (type, page) => {
        const { entries } = (await good.scan?.(type, page)) ?? { entries: [] };
        const deleted = await good.del(type, entries);
        return { deleted: deleted.length, cursor: null };
      },
    }),
    "count and clear › clear: deletes every entry of a type",
  ],
  [
    "says that it has cleared more than was there",
    (good) => ({
      clear: async (type) => ({ deleted: (await clear(good, type)) + 1, cursor: null }),
    }),
    "count and clear › clear: deletes every entry of a type",
  ],
  [
    "gives a known version the deadline that it had when it was written",
    (good) => {
      const written = new Map<string, Write>();
      return {
        write(type, writes) {
          for (const each of writes) written.set(each.version, each);
          return good.write(type, writes);
        },
        async read(type, reads) {
          const found = await good.read(type, reads);
          return found.map((entry, i) => {
            const known = written.get(reads[i]?.known ?? "");
            if (!entry || entry instanceof Error || !known) return entry;
            return { ...entry, expiresAt: known.expiresAt };
          });
        },
      };
    },
    "read › tells the deadline of a known version as it is by now",
  ],
  [
    "takes extend: false for extend",
    writing((write) => ({ ...write, extend: write.extend !== undefined })),
    "deadlines › extend is for the members of a batch that ask for it",
  ],
  [
    "extends all members of a batch when one asks for it",
    (good) => ({
      write(type, writes) {
        const extend = writes.some((write) => write.extend);
        return good.write(
          type,
          writes.map((write) => ({ ...write, extend })),
        );
      },
    }),
    "deadlines › extend is for the members of a batch that ask for it",
  ],
  [
    "scans deadlines as they were written",
    (good) => {
      const written = new Map<string, Write>();
      return {
        write(type, writes) {
          for (const each of writes) written.set(each.version, each);
          return good.write(type, writes);
        },
        async scan(type, page) {
          const { entries = [], cursor = null } = (await good.scan?.(type, page)) ?? {};
          const asWritten = entries.map((entry) => written.get(entry.version) ?? entry);
          return { entries: asWritten, cursor };
        },
      };
    },
    "scan › shows the deadline that a touch has set",
  ],
  [
    "spares in cleanup what expired in the last half minute only",
    (good) => ({
      async deleteExpired(type, page) {
        const deleted = await good.deleteExpired?.(type, page);
        const { now } = Date;
        Date.now = () => now() + 30_000;
        const more = await good.deleteExpired?.(type, page);
        Date.now = now;
        return { deleted: (deleted?.deleted ?? 0) + (more?.deleted ?? 0), cursor: null };
      },
    }),
    "deleteExpired › spares what expired in the last minute, for clocks differ",
  ],
  [
    "deletes in cleanup what it has found expired, whatever is there by then",
    (good) => {
      const written = new Map<string, Write>();
      return {
        write(type, writes) {
          for (const each of writes) written.set(each.id, each);
          return good.write(type, writes);
        },
        async deleteExpired(type) {
          const expired = [...written.values()].filter(({ expiresAt }) => !live(expiresAt));
          await new Promise((resolve) => setImmediate(resolve));
          await good.del(
            type,
            expired.map(({ id }) => ({ id })),
          );
          return { deleted: expired.length, cursor: null };
        },
      };
    },
    "deleteExpired › spares what is created in the place of an expired entry",
  ],
  [
    "clears live entries only",
    (good) => ({
      async clear(type, page) {
        const { entries = [] } = (await good.scan?.(type, page)) ?? {};
        const deleted = await good.del(
          type,
          entries.map(({ id }) => ({ id })),
        );
        return { deleted: deleted.length, cursor: null };
      },
    }),
    "count and clear › clear: deletes what has expired, too",
  ],
];

describe("the driver contract", () => {
  const names = [...new Set(faults.map(([, , noticedBy]) => noticedBy))];

  it.each(names)("lets a good driver pass: %s", async (name) => {
    expect(await outcome(name, () => memoryDriver())).toBe("passed");
  });

  it.each(faults)("catches a driver that %s", async (_what, fault, noticedBy) => {
    const open = () => {
      const good = memoryDriver();
      return { ...good, ...fault(good) };
    };

    expect(await outcome(noticedBy, open)).toBe("failed");
  });
});
