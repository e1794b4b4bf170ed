import { type Answer, andThen, begin } from "../databank/answer.js";
import { callbackIn, report } from "../databank/callback.js";
import type { Databank } from "../databank/databank.js";
import type { CorruptReport } from "../databank/driver.js";
import { repeat, underLease } from "./cleanup.js";
import { type StoreCounts, StoreEvents } from "./events.js";
import { optionsFrom } from "./legacy-arguments.js";
import { Listing } from "./listing.js";
import { Log } from "./log.js";
import { type ResolvedOptions, resolveOptions } from "./options.js";
import { type Policy, policyOf } from "./policy.js";
import { sessionBank } from "./session-bank.js";
import { fingerprint, type IdForm } from "./session-id.js";
import { type Change, Sessions } from "./sessions.js";

// A process that dies while it cleans up keeps the others from it for this long.
const LEASE_MS = 5 * 60_000;

type Emit = (event: string, details: object) => void;

/**
 * All that a session store does, whatever class it is derived from: finds the callback among the
 * arguments, logs, and hands the work on.
 */
export class StoreEngine {
  readonly sessions: Sessions;
  readonly #bank: Databank;
  readonly #isOwnBank: boolean;
  readonly #options: ResolvedOptions;
  readonly #events: StoreEvents;
  readonly #listing: Listing;
  readonly #log: Log;
  readonly #stopCleanup: () => Promise<void>;
  readonly #onCorrupt: (report: CorruptReport) => void;
  #hasWarned = false;
  #cleanups = 0;
  #disconnected: Promise<void> | undefined;

  /** @param positionalIds - How ids are stored when there is no object of options. */
  constructor(from: unknown, args: readonly unknown[], positionalIds: IdForm, emit: Emit) {
    const { options, isPositional } = optionsFrom(args);
    this.#options = resolveOptions(isPositional ? { ids: positionalIds, ...options } : options);
    const { bank, isOwn } = sessionBank(from);
    this.#bank = bank;
    this.#isOwnBank = isOwn;
    this.#log = new Log(this.#options.log);
    this.#events = new StoreEvents(emit, this.#log);
    this.sessions = new Sessions(bank, this.#options, this.#events);
    this.#listing = new Listing(bank, this.#options, this.#events);
    this.#onCorrupt = ({ type, cause }) => {
      if (type === this.#options.type) this.#events.corrupt(undefined, cause);
    };
    bank.on("corrupt", this.#onCorrupt);
    const { cleanupIntervalMs } = this.#options;
    this.#stopCleanup =
      cleanupIntervalMs > 0
        ? repeat(() => this.#cleanUpInTurn(), cleanupIntervalMs)
        : async () => {};
  }

  get counts(): Readonly<StoreCounts> {
    return this.#events.counts;
  }

  get(sid: unknown, rest: readonly unknown[]) {
    return this.#answer("get", sid, () => this.sessions.get(sid), rest);
  }

  set(sid: unknown, session: unknown, rest: readonly unknown[]) {
    const set = () => this.sessions.set(sid, session, numberIn(rest));
    return this.#answer("set", sid, set, rest);
  }

  touch(sid: unknown, session: unknown, rest: readonly unknown[]) {
    const touch = () => this.sessions.touch(sid, session, numberIn(rest));
    return this.#answer("touch", sid, touch, rest);
  }

  destroy(sid: unknown, rest: readonly unknown[]) {
    // Whether it was there is for the log: to the caller it makes no difference.
    const wasThere = this.#logged("destroy", sid, () => this.sessions.destroy(sid));
    return report(andThen(wasThere, nothing), callbackIn<void>(rest));
  }

  update(sid: unknown, change: Change, rest: readonly unknown[]) {
    return this.#answer("update", sid, () => this.sessions.update(sid, change), rest);
  }

  all(rest: readonly unknown[]) {
    return this.#answer("all", undefined, () => this.#listing.all(), rest);
  }

  ids(rest: readonly unknown[]) {
    return this.#answer("ids", undefined, () => this.#listing.ids(), rest);
  }

  length(rest: readonly unknown[]) {
    return this.#answer("length", undefined, () => this.#listing.length(), rest);
  }

  clear(rest: readonly unknown[]) {
    return this.#answer("clear", undefined, () => this.#listing.clear(), rest);
  }

  cleanup(rest: readonly unknown[]) {
    return this.#answer("cleanup", undefined, () => this.#cleanUp(), rest);
  }

  close(rest: readonly unknown[]) {
    return this.#answer("close", undefined, () => this.#close(), rest);
  }

  policy(): Policy {
    return policyOf(this.#bank, this.#options);
  }

  async #close(): Promise<void> {
    this.#listing.stop();
    await this.#stopCleanup();
    this.#bank.off("corrupt", this.#onCorrupt);
    if (!this.#isOwnBank) return;
    this.#disconnected ??= this.#bank.disconnect();
    try {
      await this.#disconnected;
    } catch (error) {
      // Whoever closes again tries again.
      this.#disconnected = undefined;
      throw error;
    }
  }

  async #cleanUp(): Promise<number> {
    this.#cleanups += 1;
    const cleanup = this.#cleanups;
    this.#log.debug("Starting to clean up sessions", () => ({ cleanup }));
    const count = await this.#listing.cleanup();
    this.#log.debug("Finished cleaning up sessions", () => ({ cleanup, count }));
    return count;
  }

  /** Cleans up unless another process does. */
  async #cleanUpInTurn(): Promise<void> {
    try {
      const id = `cleanup ${this.#options.type}`;
      await underLease(this.#bank, id, LEASE_MS, async () => {
        await this.#cleanUp();
      });
    } catch (error) {
      this.#events.failed("Error cleaning up sessions", error);
    }
  }

  #answer<T>(
    method: string,
    sid: unknown,
    task: () => Answer<T>,
    rest: readonly unknown[],
  ): Promise<T | undefined> {
    return report(this.#logged(method, sid, task), callbackIn<T>(rest));
  }

  #logged<T>(method: string, sid: unknown, task: () => Answer<T>): Answer<T> {
    const answer = begin(task);
    if (this.#options.log) void this.#logWhenDone(method, sid, answer);
    return answer;
  }

  async #logWhenDone(method: string, sid: unknown, answer: Answer<unknown>): Promise<void> {
    const session = () => (typeof sid === "string" ? { session: fingerprint(sid) } : {});
    try {
      const result = await answer;
      this.#warnOnce();
      this.#log.debug(`Session store: ${method}`, () => ({ ...session(), ...told(result) }));
    } catch (err) {
      this.#log.error(`Session store: ${method} failed`, { ...session(), err });
    }
  }

  #warnOnce(): void {
    if (this.#hasWarned || this.#bank.capabilities?.conditionalWrites !== "best-effort") return;
    this.#hasWarned = true;
    const { guarantees } = this.policy();
    this.#log.warn(
      "This databank cannot check and write in one step, so several processes may undo each " +
        "other's logouts and changes; see guarantees",
      { driver: this.#bank.driverName, guarantees },
    );
  }
}

function nothing(): void {}

/** What may be logged of an answer: outcomes and numbers, never a session. */
function told(answer: unknown): Record<string, unknown> {
  if (Array.isArray(answer)) return { count: answer.length };
  if (typeof answer === "string") return { outcome: answer };
  if (typeof answer === "number") return { count: answer };
  if (typeof answer === "boolean") return { found: answer };
  return typeof answer === "object" ? { found: answer !== null } : {};
}

function numberIn(args: readonly unknown[]): number | undefined {
  const [first] = args;
  return typeof first === "number" && Number.isFinite(first) ? first : undefined;
}
