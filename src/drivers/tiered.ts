import type { Answer } from "../databank/answer.js";
import type {
  Driver,
  Read,
  ReadResult,
  StoredEntry,
  UnchangedEntry,
  Write,
} from "../databank/driver.js";
import { isLive, laterOf } from "../databank/entry.js";
import { NotConnectedError } from "../databank/errors.js";
import { Cache, type Cached, type Moment } from "./tiered/cache.js";
import type { Flight } from "./tiered/flights.js";
import { caches, flights, forget, forgetting } from "./tiered/in-process.js";
import { resolveOptions, type TieredOptions } from "./tiered/options.js";
import { adopt, loaderOf, UNKNOWN } from "./tiered/store.js";

export type { TieredOptions } from "./tiered/options.js";

/**
 * Keeps entries in another driver's database, and those that were used last in this process too.
 *
 * Writes, touches and deletions go to the store first, and conditions are decided there, so that
 * nothing stale is ever written back. All such drivers of a process hear of each other's changes.
 */
export function tieredDriver(options: TieredOptions): Driver {
  const { store, maxEntries, maxBytes, maxStalenessMs } = resolveOptions(options);
  const load = loaderOf(store);
  const cache = new Cache(maxEntries, maxBytes);
  let loading: Promise<Driver> | undefined;
  let inner: Driver | undefined;

  function opened(): Driver {
    if (!inner) throw new NotConnectedError();
    return inner;
  }

  function isFresh({ entry, at }: Cached): boolean {
    if (at === null || maxStalenessMs === 0 || !isLive(entry.expiresAt, Date.now())) return false;
    const now = moment();
    const agedMs = now.wallMs - at.wallMs;
    return agedMs >= 0 && Math.max(agedMs, now.steadyMs - at.steadyMs) < maxStalenessMs;
  }

  /** Asks the store, and keeps what no change has overtaken. */
  async function fetch(type: string, reads: readonly Read[]): Promise<readonly ReadResult[]> {
    const at = moment();
    const asked = reads.map((read) => {
      const key = keyOf(type, read.id);
      const cached = cache.use(key);
      // A value that the caller alone knows has to be sent once, or it would never be cached.
      const ofCaller = maxStalenessMs === 0 ? read.known : undefined;
      const known = cached?.entry.version ?? ofCaller;
      const flight = flights.begin(key, false);
      const { id } = read;
      return { key, cached, flight, read: known === undefined ? { id } : { id, known } };
    });
    try {
      const results = await opened().read(
        type,
        asked.map(({ read }) => read),
      );
      return results.map((result, i) => {
        const { key = "", cached, flight } = asked[i] ?? {};
        if (result instanceof Error) return result;
        const isCertain = flight?.isOvertaken === false;
        const found = withValue(result, cached);
        if (!isCertain || isLater(cache.use(key)?.at, at)) return found && { ...found };
        if (found?.json === undefined) cache.delete(key);
        else cache.set(key, { entry: found, at });
        return found && { ...found };
      });
    } finally {
      for (const { key, flight } of asked) flights.end(key, flight);
    }
  }

  /**
   * Has the store change entries, and then tells what became of each, and when this was asked for
   * where no other change was under way.
   */
  async function change<M extends { readonly id: string }, R>(
    type: string,
    members: readonly M[],
    call: () => Answer<readonly R[]>,
    settle: (key: string, result: R | undefined, member: M, at: Moment | undefined) => void,
  ): Promise<readonly R[]> {
    const at = moment();
    const under: [key: string, flight: Flight][] = members.map(({ id }) => {
      const key = keyOf(type, id);
      return [key, flights.begin(key, true)];
    });
    try {
      const results = await call();
      for (const [i, member] of members.entries()) {
        const [key, flight] = under[i] ?? ["", undefined];
        settle(key, results[i], member, flight?.isOvertaken === false ? at : undefined);
      }
      return results;
    } finally {
      for (const [key, flight] of under) flights.end(key, flight);
    }
  }

  function forgetEach(type: string, members: readonly { readonly id: string }[]): void {
    for (const { id } of members) forget(keyOf(type, id));
  }

  const driver: Driver = {
    name: "tiered",

    get capabilities() {
      return inner?.capabilities ?? UNKNOWN;
    },

    async connect(schema) {
      loading ??= load(schema).catch((error: unknown) => {
        loading = undefined;
        throw error;
      });
      inner = await loading;
      inner.onCorrupt = (report) => driver.onCorrupt?.(report);
      await inner.connect(schema);
      adopt(driver, inner);
      caches.add(cache);
    },

    async disconnect() {
      caches.delete(cache);
      await forgetting([cache], async () => inner?.disconnect());
    },

    read(type, reads) {
      if (maxStalenessMs === 0) return fetch(type, reads);
      const cached = reads.map(({ id }) => {
        const found = cache.use(keyOf(type, id));
        return found && isFresh(found) ? { ...found.entry } : undefined;
      });
      const missing = reads.filter((_read, i) => cached[i] === undefined);
      if (missing.length === 0) return cached.filter((entry) => entry !== undefined);
      return fetch(type, missing).then((fetched) => {
        let next = 0;
        return cached.map((entry) => entry ?? fetched[next++] ?? null);
      });
    },

    write(type, writes) {
      forgetEach(type, writes);
      return change(
        type,
        writes,
        () => opened().write(type, writes),
        (key, result, write, at) => {
          if (!at || result !== "done") return;
          cache.set(key, { entry: entryOf(write), at: write.extend ? null : at });
        },
      );
    },

    touch: (type, touches) =>
      change(
        type,
        touches,
        () => opened().touch(type, touches),
        (key, result, { expiresAt }) => {
          forget(key, result === false ? undefined : cache);
          // It is still there only where nothing but touches was under way at the same time.
          const cached = cache.use(key);
          if (result !== true || !cached) return;
          const deadline = laterOf(cached.entry.expiresAt, expiresAt);
          cache.set(key, { ...cached, entry: { ...cached.entry, expiresAt: deadline } });
        },
      ),

    del(type, deletions) {
      forgetEach(type, deletions);
      return change(
        type,
        deletions,
        () => opened().del(type, deletions),
        () => {},
      );
    },
  };
  if (typeof store !== "string") {
    inner = store;
    adopt(driver, store);
  }
  return driver;
}

// The length tells where the type ends.
function keyOf(type: string, id: string): string {
  return `${type.length}:${type}${id}`;
}

function moment(): Moment {
  return { wallMs: Date.now(), steadyMs: performance.now() };
}

function isLater(a: Moment | null | undefined, b: Moment): boolean {
  return a ? a.steadyMs > b.steadyMs : false;
}

/** An answer with the value that the store has left out, because it is the one in the cache. */
function withValue(
  found: StoredEntry | UnchangedEntry | null,
  cached: Cached | undefined,
): StoredEntry | UnchangedEntry | null {
  if (!found || found.json !== undefined || !cached) return found;
  const { json, version } = cached.entry;
  return found.version === version ? { ...found, json } : found;
}

function entryOf({ id, json, version, createdAt, expiresAt }: Write): StoredEntry {
  return { id, json, version, createdAt, expiresAt };
}
