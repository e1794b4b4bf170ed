import type { Databank } from "../databank/databank.js";
import { DELETION_GRACE_MS } from "../databank/entry.js";
import { DatabankError, NotImplementedError } from "../databank/errors.js";
import { unlessDone } from "./cleanup.js";
import type { StoreEvents } from "./events.js";
import { sessionOf } from "./inflate.js";
import type { PlainSession } from "./live-session.js";
import type { ResolvedOptions } from "./options.js";
import { settleDeadlines } from "./settle.js";

// It reads every session, and after the first time there is nothing to find, unless another
// application with other options shares them.
const SETTLED_MS = 7 * 86_400_000;

/** What a store does with all of its sessions at once. */
export class Listing {
  readonly #bank: Databank;
  readonly #options: ResolvedOptions;
  readonly #events: StoreEvents;
  #isStopped = false;

  constructor(bank: Databank, options: ResolvedOptions, events: StoreEvents) {
    this.#bank = bank;
    this.#options = options;
    this.#events = events;
  }

  async all(): Promise<PlainSession[]> {
    const sessions: PlainSession[] = [];
    for await (const { session } of this.#live()) sessions.push(session);
    return sessions;
  }

  async ids(): Promise<string[]> {
    if (this.#options.ids !== "classic") {
      throw new NotImplementedError(
        "ids() needs stored session ids, and this store keeps hashes of them; " +
          'only a store with the option ids: "classic" has them',
      );
    }
    const ids: string[] = [];
    for await (const { id } of this.#live()) ids.push(id);
    return ids;
  }

  async length(): Promise<number> {
    // Entries of version 1 expire by their cookies, which the database does not look at.
    if (this.#options.ids === "hashed") return this.#bank.count(this.#options.type);
    let length = 0;
    for await (const _ of this.#live()) length += 1;
    return length;
  }

  async clear(): Promise<void> {
    await this.#bank.clear(this.#options.type);
  }

  /** Has a cleanup leave the rest to another one. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Deletes expired sessions and resolves to how many. */
  async cleanup(): Promise<number> {
    let deleted = await this.#bank.deleteExpired(this.#options.type);
    if (this.#options.ids !== "hashed") deleted += await this.#deleteExpiredByCookie();
    deleted += await this.#settle();
    this.#events.expired(deleted);
    return deleted;
  }

  async #deleteExpiredByCookie(): Promise<number> {
    const { type } = this.#options;
    const latest = Date.now() - DELETION_GRACE_MS;
    let deleted = 0;
    for await (const entry of this.#bank.scan(type)) {
      if (this.#isStopped) break;
      if (entry.expiresAt !== null) continue;
      if (sessionOf(entry.value, entry, NO_CAP, latest) !== "expired") continue;
      const deletion = { id: entry.id, if: entry.version };
      if (await this.#bank.collector.del(type, deletion)) deleted += 1;
    }
    return deleted;
  }

  /** Sees to the sessions that were stored before the store had the limits that it has. */
  async #settle(): Promise<number> {
    const { type, ttlMs, absoluteTimeoutMs } = this.#options;
    const isLimited = ttlMs !== undefined || absoluteTimeoutMs !== Number.POSITIVE_INFINITY;
    if (!isLimited || this.#bank.capabilities?.scan !== true) return 0;
    let deleted = 0;
    const id = `deadlines ${JSON.stringify([type, ttlMs, absoluteTimeoutMs])}`;
    await unlessDone(this.#bank, id, SETTLED_MS, async () => {
      deleted = await settleDeadlines(this.#bank, this.#options, () => this.#isStopped);
      return !this.#isStopped;
    });
    return deleted;
  }

  async *#live(): AsyncGenerator<{ id: string; session: PlainSession }> {
    for await (const entry of this.#bank.scan(this.#options.type)) {
      const session = sessionOf(entry.value, entry, this.#options, Date.now());
      if (session instanceof DatabankError) this.#events.corrupt(undefined, session);
      else if (session !== "expired") yield { id: entry.id, session };
    }
  }
}

const NO_CAP = { absoluteTimeoutMs: Number.POSITIVE_INFINITY };
