import type { Driver, Write } from "../databank/driver.js";
import { DatabankError } from "../databank/errors.js";
import { isLonger } from "../databank/text-bytes.js";
import { lifeCycle } from "./life-cycle.js";
import {
  decideDeletion,
  decideTouch,
  decideWrite,
  isUnconditional,
  liveIn,
} from "./memcached/decisions.js";
import { keyOf } from "./memcached/key.js";
import type { Link } from "./memcached/link.js";
import { type MemcachedOptions, resolveOptions } from "./memcached/options.js";
import { placement } from "./memcached/placement.js";
import { type Addressed, changeRecords, readRecords } from "./memcached/records.js";
import { Server } from "./memcached/server.js";

export type {
  MemcachedOptions,
  MemcachedServersOptions,
  MemcachedUrlOptions,
} from "./memcached/options.js";

/**
 * Keeps entries in memcached, one server or several that share the keys. Needs memcached 1.6, and
 * no package.
 */
export function memcachedDriver(options: MemcachedOptions): Driver {
  const { servers: addresses, prefix, maxValueBytes } = resolveOptions(options);
  const servers = addresses.map((address) => new Server(address));
  const placeOf = placement(addresses.map(({ host, port }) => `${host}:${port}`));
  const { connected, connect, disconnect } = lifeCycle({
    async open() {
      // One that answers is enough: the keys of the others fail until they are there.
      await Promise.any(servers.map((server) => server.link())).catch((error: AggregateError) => {
        throw error.errors[0];
      });
      return servers;
    },
    prepare: (opened) => opened,
    async close() {
      await Promise.all(servers.map((server) => server.close()));
    },
  });

  /** Does something on each server that has keys of the members, at the same time. */
  async function onServers<M extends { readonly id: string }, R>(
    type: string,
    members: readonly M[],
    task: (link: Link, addressed: readonly Addressed<M>[]) => Promise<readonly (R | Error)[]>,
  ): Promise<readonly (R | Error)[]> {
    const addressed = members.map((member) => ({ member, key: keyOf(prefix, type, member.id) }));
    const groups = connected().map((server) => ({
      server,
      group: [] as Addressed<M>[],
      places: [] as number[],
    }));
    for (const [place, each] of addressed.entries()) {
      const its = groups[placeOf(each.key.text)];
      its?.group.push(each);
      its?.places.push(place);
    }
    const results = new Array<R | Error>(members.length);
    await Promise.all(
      groups.map(async ({ server, group, places }) => {
        if (group.length === 0) return;
        // A server that is down fails what it would hold, and nothing else.
        const answers = await server
          .link()
          .then((link) => task(link, group))
          .catch(toError);
        for (const [i, place] of places.entries()) {
          const answer = answers instanceof Error ? answers : answers[i];
          if (answer !== undefined) results[place] = answer;
        }
      }),
    );
    return results;
  }

  const driver: Driver = {
    name: "memcached",
    capabilities: {
      conditionalWrites: "atomic",
      clock: "process",
      expiryGranularityMs: 1,
      nativeExpiry: true,
      touch: "rewrite",
      scan: false,
      search: false,
      durable: false,
      shared: true,
      maxValueBytes,
    },
    // Small batches: the server works on one while the client does on another.
    calling: { maxBatch: 32, maxInFlight: 4 },

    connect,
    disconnect,

    read: (type, reads) =>
      onServers(type, reads, async (link, addressed) => {
        const found = await readRecords(link, addressed, unreadable(type));
        const now = Date.now();
        return found.map((seen) => (seen instanceof Error ? seen : liveIn(seen, now)));
      }),

    async write(type, writes) {
      const fitting = writes.filter(({ json }) => !isLonger(json, maxValueBytes));
      const results = await onServers(type, fitting, (link, addressed) =>
        changeRecords(link, addressed, decideWrite, guessOf, unreadable(type)),
      );
      if (fitting.length === writes.length) return results;
      const answers = new Map(fitting.map((write, i) => [write, results[i]]));
      return writes.map((write) => answers.get(write) ?? tooLarge(maxValueBytes));
    },

    touch: (type, touches) =>
      onServers(type, touches, (link, addressed) =>
        changeRecords(link, addressed, decideTouch, () => "unknown", unreadable(type)),
      ),

    del: (type, deletions) =>
      onServers(type, deletions, (link, addressed) =>
        changeRecords(link, addressed, decideDeletion, () => "unknown", unreadable(type)),
      ),

    // What fails here is a connection: more calls would make it worse.
    retry: () => "never",
  };

  function unreadable(type: string) {
    return (cause: unknown) => driver.onCorrupt?.({ type, cause });
  }

  return driver;
}

/** What to assume of what is under a key that was not seen lately. */
function guessOf(write: Write): "absent" | "any" | "unknown" {
  if (isUnconditional(write)) return "any";
  return write.if === "absent" ? "absent" : "unknown";
}

function tooLarge(maxValueBytes: number): DatabankError {
  return new DatabankError(
    `The value is larger than the ${maxValueBytes} bytes that the memcached databank can hold`,
    { code: "DATABANK_VALUE_TOO_LARGE" },
  );
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
