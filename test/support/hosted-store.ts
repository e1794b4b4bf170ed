import { createRequire } from "node:module";
import expressSession from "express-session";
import { Databank } from "../../src/databank/databank.js";
import type { Driver } from "../../src/databank/driver.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import type { PlainSession } from "../../src/store/live-session.js";
import type { DatabankStoreOptions } from "../../src/store/options.js";
import type { Outcome } from "../../src/store/save.js";
import { connectDatabank, DatabankStore } from "../../src/store/store-class.js";

const require = createRequire(__filename);

type SessionModule = typeof expressSession;

/** The session modules that a store has to get along with, and both ways to make its class. */
export const HOSTS: readonly Host[] = [
  { name: "express-session 1.19", module: () => expressSession, isFactory: false },
  { name: "express-session 1.19, its own Store", module: () => expressSession, isFactory: true },
  { name: "connect 2.30", module: () => require("connect2").session, isFactory: false },
  {
    name: "connect 2.30, its own Store",
    module: () => require("connect2").session,
    isFactory: true,
  },
];

export interface Host {
  readonly name: string;
  readonly module: () => SessionModule;
  /** Whether the class is made on the module's own `Store`, as version 1 did. */
  readonly isFactory: boolean;
}

/** A session as a request holds it. */
export interface Live extends PlainSession {
  readonly id: string;
  cookie: { maxAge: number | null; originalMaxAge: number | null; expires: Date | null } & Record<
    string,
    unknown
  >;
  save(callback: (error: Error | null, outcome?: Outcome) => void): void;
  touch(): void;
}

/** A store, and the requests of a host that uses it. */
export class HostedStore {
  readonly store: DatabankStore;
  readonly events: [event: string, details: Record<string, unknown>][] = [];
  readonly #Session: new (
    request: object,
    data: object,
  ) => Live;
  #nextId = "";

  constructor(host: Host, from: Driver | Databank, options: DatabankStoreOptions = {}) {
    const module = host.module();
    const Store = host.isFactory ? connectDatabank(module) : DatabankStore;
    const bank = from instanceof Databank ? from : new Databank(from);
    this.store = new Store(bank, { cleanupIntervalMs: 0, ...options });
    for (const event of EVENTS) {
      this.store.on(event, (details: Record<string, unknown>) => {
        this.events.push([event, details]);
      });
    }
    const { Session } = module as unknown as { Session: new (r: object, d: object) => Live };
    this.#Session = Session;
    // The module puts its own way to make sessions on the store.
    const store: unknown = this.store;
    module({
      secret: "test",
      resave: false,
      saveUninitialized: false,
      genid: () => this.#nextId,
      cookie: { maxAge: 60_000 },
      store: store as expressSession.Store,
    });
  }

  /** The session of a request that came without one. */
  fresh(sid: string, data: object = {}): Live {
    this.#nextId = sid;
    const request = { sessionID: "", sessionStore: this.store, session: undefined };
    this.store.generate(request);
    const session: unknown = request.session;
    return Object.assign(session as Live, data);
  }

  /** The session of a request that came with this id. */
  async load(sid: string): Promise<Live> {
    const plain = await this.store.get(sid);
    if (!plain) throw new Error("There is no such session");
    return this.store.createSession<Live>({ sessionID: sid, sessionStore: this.store }, plain);
  }

  /** A session made by hand of something that was read. */
  byHand(sid: string, plain: object): Live {
    return new this.#Session({ sessionID: sid, sessionStore: this.store }, plain);
  }

  /** What is stored, without the cookie. */
  async data(sid: string): Promise<object | null> {
    const plain = await this.store.get(sid);
    if (!plain) return null;
    const { cookie: _, sid: _sid, ...data } = plain;
    return data;
  }

  /** The events so far, by name. */
  async names(): Promise<string[]> {
    // Events come in a later turn than the callback.
    await new Promise((done) => setImmediate(done));
    return this.events.map(([name]) => name);
  }
}

const EVENTS = ["conflict", "merged", "resurrection-prevented", "untracked", "corrupt", "expired"];

/** A memory driver that counts its calls. */
export function countingDriver(): { driver: Driver; calls: Record<string, number> } {
  const memory = memoryDriver();
  const calls: Record<string, number> = { read: 0, write: 0, touch: 0, del: 0 };
  const driver: Driver = {
    ...memory,
    read: (...args) => count("read", memory.read(...args)),
    write: (...args) => count("write", memory.write(...args)),
    touch: (...args) => count("touch", memory.touch(...args)),
    del: (...args) => count("del", memory.del(...args)),
  };
  function count<T>(method: string, result: T): T {
    calls[method] = (calls[method] ?? 0) + 1;
    return result;
  }
  return { driver, calls };
}
