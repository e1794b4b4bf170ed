import { EventEmitter } from "node:events";
import type { Callback } from "../databank/callback.js";
import type { Databank } from "../databank/databank.js";
import { DatabankError } from "../databank/errors.js";
import { BaseStore } from "./base-store.js";
import type { StoreCounts } from "./events.js";
import type { PlainSession, SessionRequest } from "./live-session.js";
import type { Logger } from "./log.js";
import type { DatabankStoreOptions } from "./options.js";
import type { Policy } from "./policy.js";
import type { Outcome } from "./save.js";
import type { IdForm } from "./session-id.js";
import type { Change } from "./sessions.js";
import { StoreEngine } from "./store-engine.js";

/**
 * A session store on a databank, for express-session and connect.
 *
 * Every method takes a callback or returns a promise. A callback is called exactly once, later,
 * and with `(error)` or `(null, result)`; a promise beside a callback never rejects. Errors are
 * `DatabankError`s with a `code`.
 *
 * Events: `conflict`, `merged`, `resurrection-prevented`, `untracked`, `corrupt`, `expired`. None
 * of them carries a session id: `session` is a fingerprint of it.
 */
export interface DatabankStore extends EventEmitter {
  /** Makes a new session for a request; set by express-session. */
  generate: (request: SessionRequest) => void;
  /** How often each event has happened since this store was made. */
  readonly counts: Readonly<StoreCounts>;

  /** A fresh copy of a live session; `null` for one that is missing, expired or damaged. */
  get<S = PlainSession>(sid: string, callback?: Callback<S | null>): Promise<S | null | undefined>;

  /**
   * Saves a session: what it changed since it was loaded, and never one that is gone.
   *
   * @param ttlMs - Its lifetime, if it is not the cookie that says it.
   * @returns What became of it; `gone` is not an error.
   */
  set(
    sid: string,
    session: object,
    ttlMs?: number | Callback<Outcome>,
    callback?: Callback<Outcome>,
  ): Promise<Outcome | undefined>;

  /** Extends a session that was used. One that is gone stays gone, which is not an error. */
  touch(
    sid: string,
    session: object,
    ttlMs?: number | Callback<Outcome>,
    callback?: Callback<Outcome>,
  ): Promise<Outcome | undefined>;

  /** Deletes a session. One that is missing is not an error. */
  destroy(sid: string, callback?: Callback): Promise<void>;

  /**
   * Changes a session in one step, for scripts, workers and sockets. `change` is called again if
   * a request wrote in between.
   */
  update(sid: string, change: Change, callback?: Callback<Outcome>): Promise<Outcome | undefined>;

  /** All live sessions, without their ids unless `ids` is `classic`. */
  all<S = PlainSession>(callback?: Callback<S[]>): Promise<S[] | undefined>;

  /** The session ids, where `ids` is `classic`; else `DATABANK_NOT_IMPLEMENTED`. */
  ids(callback?: Callback<string[]>): Promise<string[] | undefined>;

  /** How many sessions are live. */
  length(callback?: Callback<number>): Promise<number | undefined>;

  /** Deletes all sessions. */
  clear(callback?: Callback): Promise<void>;

  /** Deletes expired sessions now, and resolves to how many. */
  cleanup(callback?: Callback<number>): Promise<number | undefined>;

  /** Stops cleaning up, and disconnects from a databank that the store opened by its URL. */
  close(callback?: Callback): Promise<void>;

  /** The settings in effect, and what is guaranteed on this database. */
  policy(): Policy;

  /** Gives a request the live session of what `get` returned. */
  createSession<S = unknown>(request: object, session: object): S;

  /** Destroys a request's session and gives it a new one. */
  regenerate(request: object, callback: Callback<unknown>): void;

  /** A live session without a request. */
  load<S = unknown>(sid: string, callback?: Callback<S>): void;
}

/** Makes stores: `new DatabankStore(bank, options)`, or the way of version 1. */
export interface DatabankStoreClass {
  /**
   * @param bank - A URL such as `disk:./sessions`, a `Databank`, or an old databank object.
   * @throws DatabankError `DATABANK_INVALID_OPTION`, `DATABANK_UNKNOWN_DRIVER`.
   */
  new (bank: string | Databank | object, options?: DatabankStoreOptions): DatabankStore;
  /** The way of version 1: a logger or nothing, and the pause between cleanups, 0 for none. */
  new (
    bank: string | Databank | object,
    log: Logger | null | undefined,
    cleanupMs?: number,
  ): DatabankStore;
  readonly prototype: DatabankStore;
  /** For databanks that want to know the types they will hold. */
  readonly schema: { readonly session: { readonly pkey: "sid" } };
}

type StoreBase = new () => { createSession(request: object, session: object): unknown };

/**
 * Builds the store class on a session module's own `Store`, or on ours.
 *
 * @param positionalIds - How ids are stored when the store is made without an object of options.
 */
export function storeClass(base: StoreBase, positionalIds: IdForm): DatabankStoreClass {
  class DatabankStore extends base {
    static readonly schema = { session: { pkey: "sid" } } as const;
    readonly #engine: StoreEngine;

    constructor(bank: unknown, ...args: unknown[]) {
      super();
      const emit = (event: string, details: object) => emitterOf(this).emit(event, details);
      this.#engine = new StoreEngine(bank, args, positionalIds, emit);
    }

    get counts() {
      return this.#engine.counts;
    }

    get(sid: unknown, ...rest: unknown[]) {
      return this.#engine.get(sid, rest);
    }

    set(sid: unknown, session: unknown, ...rest: unknown[]) {
      return this.#engine.set(sid, session, rest);
    }

    touch(sid: unknown, session: unknown, ...rest: unknown[]) {
      return this.#engine.touch(sid, session, rest);
    }

    destroy(sid: unknown, ...rest: unknown[]) {
      return this.#engine.destroy(sid, rest);
    }

    update(sid: unknown, change: Change, ...rest: unknown[]) {
      return this.#engine.update(sid, change, rest);
    }

    all(...rest: unknown[]) {
      return this.#engine.all(rest);
    }

    ids(...rest: unknown[]) {
      return this.#engine.ids(rest);
    }

    length(...rest: unknown[]) {
      return this.#engine.length(rest);
    }

    clear(...rest: unknown[]) {
      return this.#engine.clear(rest);
    }

    cleanup(...rest: unknown[]) {
      return this.#engine.cleanup(rest);
    }

    close(...rest: unknown[]) {
      return this.#engine.close(rest);
    }

    policy() {
      return this.#engine.policy();
    }

    override createSession(request: { sessionID?: unknown }, plain: { cookie: object }): unknown {
      const { provenance } = this.#engine.sessions;
      const origin = provenance.find(String(request.sessionID), plain);
      const session = super.createSession(request, plain);
      if (origin && typeof session === "object" && session !== null) {
        provenance.created(plain, origin, session);
      }
      return session;
    }
  }
  if (!("on" in DatabankStore.prototype)) addEvents(DatabankStore.prototype);
  const made: unknown = DatabankStore;
  return made as DatabankStoreClass;
}

/** The store for programs that need no session module of their own choice. */
export const DatabankStore: DatabankStoreClass = storeClass(asBase(BaseStore), "hashed");

/**
 * The way of version 1: `connectDatabank(session)` makes the class, on the `Store` of connect's or
 * express-session's module, whichever it is.
 *
 * @throws DatabankError `DATABANK_INVALID_OPTION` if the module has no store class.
 */
export function connectDatabank(sessionModule: object): DatabankStoreClass {
  const candidates = [
    sessionModule,
    property(sessionModule, "session"),
    property(property(sessionModule, "middleware"), "session"),
  ];
  for (const candidate of candidates) {
    const Store = property(candidate, "Store");
    if (typeof Store === "function") return storeClass(asBase(Store), "classic");
  }
  throw new DatabankError(
    "This is no session module: hand over what require('express-session') or require('connect') " +
      "returns, or use new DatabankStore(…) without any",
    { code: "DATABANK_INVALID_OPTION" },
  );
}

function property(of: unknown, name: string): unknown {
  if ((typeof of !== "object" && typeof of !== "function") || of === null) return undefined;
  return (of as Record<string, unknown>)[name];
}

function asBase(store: unknown): StoreBase {
  return store as StoreBase;
}

function emitterOf(store: unknown): EventEmitter {
  return store as EventEmitter;
}

// Some hosts' store class is an empty function, and express-session listens to every store.
function addEvents(prototype: object): void {
  for (const name of ["on", "once", "off", "emit", "removeListener", "listenerCount"] as const) {
    const value: unknown = EventEmitter.prototype[name];
    Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
  }
}
