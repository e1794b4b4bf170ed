import type { Log } from "./log.js";
import type { MergeConflict } from "./merge.js";
import { fingerprint } from "./session-id.js";

/** How often each thing that a store tells about has happened since it was made. */
export interface StoreCounts {
  conflict: number;
  merged: number;
  "resurrection-prevented": number;
  untracked: number;
  corrupt: number;
  expired: number;
}

/** Tells listeners, the log and the counts what happened to sessions; never which, by their ids. */
export class StoreEvents {
  readonly counts: StoreCounts = {
    conflict: 0,
    merged: 0,
    "resurrection-prevented": 0,
    untracked: 0,
    corrupt: 0,
    expired: 0,
  };
  readonly #emit: (event: keyof StoreCounts, details: object) => void;
  readonly #log: Log;

  constructor(emit: (event: keyof StoreCounts, details: object) => void, log: Log) {
    this.#emit = emit;
    this.#log = log;
  }

  /** A session that was destroyed or has expired was saved, and was not brought back. */
  gone(sid: string): void {
    this.#tell("resurrection-prevented", { session: fingerprint(sid) });
  }

  /** Another request had saved meanwhile, and both changes were kept. */
  merged(sid: string, conflicts: readonly MergeConflict[]): void {
    const session = fingerprint(sid);
    for (const { key, kept } of conflicts) this.#tell("conflict", { session, key, kept });
    this.#tell("merged", { session });
  }

  /** A plain object that did not come from this store replaced a session. */
  untracked(sid: string): void {
    this.#tell("untracked", { session: fingerprint(sid) });
  }

  /** An entry is damaged and counts as missing. */
  corrupt(sid: string | undefined, cause: unknown): void {
    this.#tell("corrupt", { ...sessionOf(sid), cause });
  }

  /** Expired sessions were deleted; one that somebody asked for is told by its id. */
  expired(count: number, sid?: string): void {
    if (count > 0) this.#tell("expired", { ...sessionOf(sid), count }, count);
  }

  /** Something went wrong that nobody waits for. */
  failed(message: string, err: unknown, sid?: string): void {
    this.#log.error(message, { ...sessionOf(sid), err });
  }

  #tell(event: keyof StoreCounts, details: object, count = 1): void {
    this.counts[event] += count;
    this.#log.debug(`Session store event: ${event}`, () => ({ ...details }));
    // Outside our promises: what a listener throws belongs to the application.
    process.nextTick(() => this.#emit(event, details));
  }
}

function sessionOf(sid: string | undefined): { session?: string } {
  return sid === undefined ? {} : { session: fingerprint(sid) };
}
