import { EventEmitter } from "node:events";
import expressSession from "express-session";
import { describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import type { PlainSession, SessionRequest } from "../../src/store/live-session.js";
import { connectDatabank, DatabankStore } from "../../src/store/store-class.js";

const DOWN = {
  ...memoryDriver(),
  read: () => Promise.reject(new Error("down")),
  del: () => Promise.reject(new Error("down")),
};

interface Live extends PlainSession {
  readonly id: string;
  save(): unknown;
  reload(callback: (error: Error | null) => void): void;
  regenerate(callback: (error: Error | null) => void): void;
  destroy(callback?: (error: Error | null) => void): void;
}

const called = (start: (callback: (error: Error | null) => void) => unknown) =>
  new Promise<Error | null>((done) => {
    start((error) => done(error ?? null));
  });

async function open() {
  const store = new DatabankStore(new Databank(memoryDriver()), { cleanupIntervalMs: 0 });
  await store.set("s", { cookie: { maxAge: 60_000 }, user: "ann" });
  return store;
}

describe("a store without a session module", () => {
  it("loads live sessions without a request, and knows where they come from", async () => {
    const store = await open();
    const [mine, theirs] = [await store.load("s"), await store.load("s")] as unknown as [
      Live,
      Live,
    ];
    mine.mine = 1;
    theirs.theirs = 1;
    await store.set("s", mine);
    await store.set("s", theirs);

    expect(mine.id).toBe("s");
    expect(await store.get("s")).toMatchObject({ user: "ann", mine: 1, theirs: 1 });
  });

  it("loads nothing where there is nothing, and tells when it cannot know", async () => {
    const store = await open();
    const down = new DatabankStore(new Databank(DOWN), { cleanupIntervalMs: 0 });
    const loaded = await new Promise((done) => {
      store.load("none", (...args: unknown[]) => done(args));
    });

    expect(loaded).toEqual([null]);
    expect(await called((callback) => down.load("s", callback))).toMatchObject({
      code: "DATABANK_DRIVER_FAILED",
    });
  });

  it("cannot make new sessions before a host has shown how", async () => {
    const store = await open();

    expect(() => store.generate({ sessionID: "s" })).toThrow(/express-session/);
  });

  it("tells a request that its old session could not be destroyed, and gives it a new one", async () => {
    const store = new DatabankStore(new Databank(DOWN), { cleanupIntervalMs: 0 });
    const request: SessionRequest = { sessionID: "s" };
    store.generate = (asking) => {
      asking.session = "new";
    };

    const error = await called((callback) => store.regenerate(request, callback));

    expect(error).toMatchObject({ code: "DATABANK_DRIVER_FAILED" });
    expect(request.session).toBe("new");
  });

  it("gives sessions the methods that express-session's have", async () => {
    const store = await open();
    const request: SessionRequest = { sessionID: "s", sessionStore: store };
    store.generate = (asking) => {
      asking.session = "new";
    };
    const live = store.createSession<Live>(request, (await store.get("s")) ?? { cookie: {} });
    live.cart = 1;
    expect(live.save()).toBe(live);
    expect(await called((callback) => live.reload(callback))).toBeNull();
    expect(request.session).not.toBe(live);
    expect(request.session).toMatchObject({ user: "ann", cart: 1 });
    expect(await called((callback) => live.destroy(callback))).toBeNull();
    expect(request.session).toBeUndefined();

    expect(await called((callback) => live.reload(callback))).toMatchObject({
      message: "failed to load session",
    });
    expect(await called((callback) => live.regenerate(callback))).toBeNull();
    expect(request.session).toBe("new");
    expect(await store.get("s")).toBeNull();
  });

  it("tells a reload that the database is down", async () => {
    const store = await open();
    const down = new DatabankStore(new Databank(DOWN), { cleanupIntervalMs: 0 });
    const request = { sessionID: "s", sessionStore: down };
    const live = down.createSession<Live>(request, (await store.get("s")) ?? { cookie: {} });

    expect(await called((callback) => live.reload(callback))).toMatchObject({
      code: "DATABANK_DRIVER_FAILED",
    });
  });
});

describe("a store on a session module's own class", () => {
  it("has events also where that class has none", async () => {
    function Store() {}
    Store.prototype.createSession = expressSession.Store.prototype.createSession;
    const Class = connectDatabank({ Store });
    const store = new Class(new Databank(memoryDriver()), null, 0);
    const events: unknown[] = [];
    const listener = (event: unknown) => events.push(event);
    store.on("untracked", listener);
    await store.set("s", { cookie: {}, n: 1 });
    await store.set("s", { cookie: {}, n: 2 });
    await new Promise((done) => setImmediate(done));
    store.off("untracked", listener);

    expect(events).toHaveLength(1);
    expect(store.listenerCount("untracked")).toBe(0);
    expect(EventEmitter.prototype.on).toBe(store.on);
  });
});
