import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { DatabankStore } from "../../src/store/store-class.js";
import { testStore } from "../../src/testing/index.js";
import type { AnySession, AnyStore } from "../../src/testing/store-contract.js";
import { outcomeOf } from "../support/contract-outcome.js";

type Answer = (error?: unknown, result?: unknown) => void;
type Method = (...args: unknown[]) => unknown;
/** A good store, every method of which can be called with and without a callback. */
type Good = Readonly<Record<keyof Required<AnyStore>, Method>>;
type Fault = (good: Good) => Partial<Record<keyof AnyStore, unknown>>;

const RELIED = "what express-session relies on";
const PROMISED = "what connect-databank promises";
const LISTED = "what connect-databank promises of listings";

function ofMemory(): { good: Good; close(): Promise<void> } {
  const store: unknown = new DatabankStore(new Databank(memoryDriver()));
  const any = store as Record<string, Method>;
  const bound =
    (name: string): Method =>
    (...args) =>
      Reflect.apply(any[name] ?? fail, store, args);
  const names = ["get", "set", "touch", "destroy", "all", "length", "clear", "createSession"];
  const good: unknown = Object.fromEntries(names.map((name) => [name, bound(name)]));
  return { good: good as Good, close: () => (store as DatabankStore).close() };
}

function fail(): never {
  throw new Error("The store has no such method");
}

/** Runs one test of the contract, by its name, on stores with the fault. */
function outcome(name: string, fault: Fault): Promise<"passed" | "failed"> {
  const open = async () => {
    const { good, close } = ofMemory();
    const store: unknown = { ...good, ...fault(good) };
    return { store: store as AnyStore, close };
  };
  return outcomeOf((runner) => testStore(runner, { promises: true, open }), name);
}

/** A method whose result is changed on its way out. */
const answering =
  (good: Method, change: (result: never) => unknown): Method =>
  (...args) => {
    const callback = args.findIndex((arg) => typeof arg === "function");
    const answered = Promise.resolve(good(...args.toSpliced(callback, 1))).then(change as Method);
    answered.then(
      (result) => (args[callback] as Answer | undefined)?.(null, result),
      (error) => (args[callback] as Answer | undefined)?.(error),
    );
    return answered;
  };

/** A method with other arguments. */
const asking =
  (good: Method, change: (...args: never[]) => unknown[]): Method =>
  (...args) =>
    good(...change(...(args as never[])));

const clone = (session: object) => JSON.parse(JSON.stringify(session)) as AnySession;
const doubled =
  (good: Method): Method =>
  (...args) =>
    good(
      ...args.map((arg) => {
        if (typeof arg !== "function") return arg;
        const callback: Answer = (error, result) => {
          arg(error, result);
          setImmediate(() => arg(error, result));
        };
        return callback;
      }),
    );

/** Stores that are wrong in one way each, and the test that notices. */
const faults: readonly [what: string, noticedBy: string, fault: Fault][] = [
  ...(["get", "set", "touch", "destroy", "all", "clear"] as const).map(
    (method): [string, string, Fault] => [
      `calls back twice from ${method}`,
      `${RELIED} › each callback is called once, and later`,
      (good) => ({ [method]: doubled(good[method]) }),
    ],
  ),
  [
    "calls back before it returns",
    `${RELIED} › each callback is called once, and later`,
    () => ({ get: (_sid: string, callback: Answer) => callback(null, null) }),
  ],
  [
    "fails for a missing session",
    `${RELIED} › get answers with nothing for an id that was never set`,
    (good) => ({
      get: answering(good.get, (found) => {
        if (!found) throw new Error("There is no such session");
        return found;
      }),
    }),
  ],
  [
    "drops what is empty",
    `${RELIED} › get answers with what set was given`,
    (good) => ({
      set: asking(good.set, (sid, session: object, ...rest) => [
        sid,
        Object.fromEntries(Object.entries(session).filter(([, value]) => value)),
        ...rest,
      ]),
    }),
  ],
  [
    "adds to what was there",
    `${RELIED} › set replaces what was there`,
    (good) => ({
      set: (sid: string, session: object, callback?: Answer) =>
        good.get(sid, (_error: unknown, old: object | null) =>
          good.set(sid, { ...old, ...session }, callback),
        ),
    }),
  ],
  [
    "hands out what it keeps",
    `${RELIED} › get answers with a fresh object each time`,
    (good) => {
      const kept = new Map<string, unknown>();
      return {
        get: (sid: string, callback: Answer) =>
          good.get(sid, (error: unknown, found: unknown) => {
            if (!kept.has(sid)) kept.set(sid, found);
            callback(error, kept.get(sid));
          }),
      };
    },
  ],
  [
    "keeps no cookie",
    `${RELIED} › get answers with a cookie that createSession can use`,
    (good) => ({
      get: answering(good.get, (found: object | null) => found && { ...found, cookie: {} }),
    }),
  ],
  [
    "destroys nothing",
    `${RELIED} › sessions do not mix`,
    () => ({ destroy: (_sid: string, callback?: Answer) => setImmediate(() => callback?.()) }),
  ],
  [
    "destroys all",
    `${RELIED} › sessions do not mix`,
    (good) => ({ destroy: (_sid: string, callback?: Answer) => good.clear(callback) }),
  ],
  [
    "fails to destroy a missing session",
    `${RELIED} › destroy of a missing session is not an error`,
    (good) => ({
      destroy: (sid: string, callback?: Answer) =>
        good.get(sid, (_error: unknown, found: unknown) =>
          found ? good.destroy(sid, callback) : callback?.(new Error("There is no such session")),
        ),
    }),
  ],
  [
    "does nothing without a callback",
    `${RELIED} › set and destroy do without a callback`,
    (good) => ({
      destroy: (sid: string, callback?: Answer) => callback && good.destroy(sid, callback),
    }),
  ],
  [
    "takes no session under an id that was destroyed",
    `${RELIED} › a session can be set again after it was destroyed`,
    (good) => {
      const destroyed = new Set<string>();
      return {
        destroy: (sid: string, callback?: Answer) =>
          good.destroy(destroyed.add(sid) && sid, callback),
        set: (sid: string, session: object, callback?: Answer) =>
          destroyed.has(sid) ? setImmediate(() => callback?.()) : good.set(sid, session, callback),
      };
    },
  ],
  [
    "answers with expired sessions",
    `${RELIED} › get answers with nothing for a session past its deadline`,
    (good) => ({
      set: asking(good.set, (sid, session: AnySession, ...rest) => [
        sid,
        { ...session, cookie: { maxAge: 60_000 } },
        ...rest,
      ]),
    }),
  ],
  [
    "touches nothing",
    `${RELIED} › touch moves the deadline and nothing else`,
    () => ({
      touch: (_sid: string, _session: object, callback?: Answer) =>
        setImmediate(() => callback?.()),
    }),
  ],
  [
    "stores the session by a touch",
    `${RELIED} › touch moves the deadline and nothing else`,
    (good) => ({ touch: good.set }),
  ],
  [
    "creates by touch",
    `${RELIED} › touch of a missing session is no error and makes none`,
    (good) => ({ touch: good.set }),
  ],
  [
    "counts one too many",
    `${RELIED} › clear removes every session, and length counts them`,
    (good) => ({ length: answering(good.length, (length: number) => length + 1) }),
  ],
  [
    "clears nothing",
    `${RELIED} › clear removes every session, and length counts them`,
    () => ({ clear: (callback?: Answer) => setImmediate(() => callback?.()) }),
  ],
  [
    "lists all but one",
    `${RELIED} › all answers with the sessions`,
    (good) => ({ all: answering(good.all, (all: object[]) => all.slice(1)) }),
  ],
  [
    "brings back what was destroyed, by set",
    `${PROMISED} › logout means logout: a loaded session is not stored again`,
    (good) => ({
      // A clone is not known to come from anywhere, so it is stored whatever is there.
      set: asking(good.set, (sid, session: object, ...rest) => [sid, clone(session), ...rest]),
    }),
  ],
  [
    "brings back what was destroyed, by touch",
    `${PROMISED} › logout means logout: a loaded session is not stored again`,
    (good) => ({
      touch: (sid: string, session: object, callback?: Answer) =>
        good.touch(sid, session, (_error: unknown, outcome: unknown) =>
          outcome === "gone" ? good.set(sid, clone(session), callback) : callback?.(),
        ),
    }),
  ],
  [
    "lets the last request overwrite the others",
    `${PROMISED} › no lost writes: requests that change different keys keep both`,
    (good) => ({
      set: asking(good.set, (sid, session: object, ...rest) => [sid, clone(session), ...rest]),
    }),
  ],
  [
    "looks at the session later",
    `${PROMISED} › a session is stored as it was at the call`,
    (good) => ({
      set: (sid: string, session: object, callback?: Answer) =>
        setImmediate(() => good.set(sid, session, callback)),
    }),
  ],
  [
    "lets a destruction overtake a set",
    `${PROMISED} › calls on one session keep their order`,
    (good) => ({
      set: async (sid: string, session: object, callback?: Answer) => {
        const asItIs = clone(session);
        await delay(5);
        return good.set(sid, asItIs, callback);
      },
    }),
  ],
  [
    "says that it stored what it dropped",
    `${PROMISED} › set and touch tell what became of a session`,
    (good) => ({
      set: answering(good.set, (result: string) => (result === "gone" ? "written" : result)),
    }),
  ],
  [
    "writes the id into the session",
    `${PROMISED} › set and touch leave the session as it is`,
    (good) => ({
      set: (sid: string, session: AnySession, ...rest: unknown[]) => {
        session.sid = sid;
        return good.set(sid, session, ...rest);
      },
    }),
  ],
  [
    "notes the time in the cookie",
    `${PROMISED} › set and touch leave the session as it is`,
    (good) => ({
      touch: (sid: string, session: AnySession, ...rest: unknown[]) => {
        Object.assign(session.cookie, { [Symbol("touched")]: Date.now() });
        return good.touch(sid, session, ...rest);
      },
    }),
  ],
  [
    "shortens by touch",
    `${PROMISED} › a touch never shortens a life`,
    (good) => ({
      touch: async (sid: string, session: AnySession, callback?: Answer) => {
        const found = (await good.get(sid)) as AnySession | null;
        if (!found) return callback?.();
        return good.set(sid, { ...clone(found), cookie: clone(session.cookie) }, callback);
      },
    }),
  ],
  [
    "tells the cookie's expiry as it was set",
    `${PROMISED} › cookie.expires agrees with the deadline after a touch`,
    (good) => {
      const cookies = new Map<string, object>();
      return {
        set: (sid: string, session: AnySession, ...rest: unknown[]) => {
          cookies.set(sid, clone(session.cookie));
          return good.set(sid, session, ...rest);
        },
        get: (sid: string, callback: Answer) =>
          good.get(sid, (error: unknown, found: object | null) =>
            callback(error, found && { ...found, cookie: cookies.get(sid) }),
          ),
      };
    },
  ],
  [
    "cuts ids at NUL",
    `${PROMISED} › an id is any text`,
    (good) => {
      const cut = (sid: string, ...rest: unknown[]) => [String(sid).split("\0")[0], ...rest];
      return {
        get: asking(good.get, cut),
        set: asking(good.set, (sid: string, session: AnySession, ...rest) =>
          sid === "a\0b" ? ["a", { ...session, id: "a" }, ...rest] : [sid, session, ...rest],
        ),
        destroy: asking(good.destroy, cut),
      };
    },
  ],
  [
    "takes anything for an id",
    `${PROMISED} › what is no text is no session`,
    (good) => ({
      get: (sid: unknown, callback: Answer) =>
        typeof sid === "string" ? good.get(sid, callback) : callback(null, { cookie: {} }),
    }),
  ],
  [
    "swallows an error",
    `${PROMISED} › what JSON cannot hold is an error, and the old session stays`,
    (good) => ({
      set: (sid: string, session: object, callback?: Answer) =>
        good.set(sid, session, () => callback?.(null)),
    }),
  ],
  [
    "loses the old session when it fails",
    `${PROMISED} › what JSON cannot hold is an error, and the old session stays`,
    (good) => ({
      set: (sid: string, session: object, callback?: Answer) =>
        good.set(sid, session, (error: unknown, result: unknown) =>
          error ? good.destroy(sid, () => callback?.(error)) : callback?.(null, result),
        ),
    }),
  ],
  [
    "needs a cookie",
    `${PROMISED} › cookies that are missing or make no sense are no error`,
    (good) => ({
      set: (sid: string, session: AnySession, callback?: Answer) =>
        session.cookie ? good.set(sid, session, callback) : callback?.(new TypeError("No cookie")),
    }),
  ],
  [
    "returns no promise",
    `${PROMISED} › without a callback there is a promise`,
    (good) => ({
      get: (sid: string, callback?: Answer) => {
        good.get(sid, callback ?? (() => {}));
      },
    }),
  ],
  [
    "lists expired sessions",
    `${LISTED} › all and length leave out what has expired`,
    (good) => {
      const set: unknown[] = [];
      return {
        set: (sid: string, session: object, callback?: Answer) => {
          set.push(clone(session));
          return good.set(sid, session, callback);
        },
        all: (callback: Answer) => setImmediate(() => callback(null, set)),
      };
    },
  ],
  [
    "counts expired sessions",
    `${LISTED} › all and length leave out what has expired`,
    (good) => {
      let count = 0;
      return {
        set: (sid: string, session: object, callback?: Answer) => {
          count += 1;
          return good.set(sid, session, callback);
        },
        length: (callback: Answer) => setImmediate(() => callback(null, count)),
      };
    },
  ],
];

describe("the store contract", () => {
  const names = [...new Set(faults.map(([, noticedBy]) => noticedBy))];

  it.concurrent.each(names)("lets a good store pass: %s", async (name) => {
    expect(await outcome(name, () => ({}))).toBe("passed");
  });

  it.concurrent.each(faults)("catches a store that %s: %s", async (_what, noticedBy, fault) => {
    expect(await outcome(noticedBy, fault)).toBe("failed");
  });

  it("has a faulty store for each of its tests", () => {
    const registered: string[] = [];
    const path: string[] = [];
    testStore(
      {
        describe(title, body) {
          path.push(title);
          body();
          path.pop();
        },
        it: (title) => registered.push([...path, title].join(" › ")),
      },
      { promises: true, open: fail },
    );

    expect(names.toSorted()).toEqual(registered.toSorted());
  });
});
