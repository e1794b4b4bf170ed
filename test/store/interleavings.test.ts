import { describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import type { PlainSession } from "../../src/store/live-session.js";
import { DatabankStore } from "../../src/store/store-class.js";
import { Gate } from "../support/gate.js";

const CART: PlainSession = { cookie: { maxAge: 60_000 }, cart: 1 };

/** The live session of a request. */
async function load(store: DatabankStore, sid: string): Promise<PlainSession> {
  const plain = await store.get(sid);
  if (!plain) throw new Error("There is no such session");
  return store.createSession<PlainSession>({ sessionID: sid, sessionStore: store }, plain);
}

describe("while the database does not answer", () => {
  it("each of many calls on one session fails in time", async () => {
    const memory = memoryDriver();
    const never = () => new Promise<never>(() => {});
    const driver = { ...memory, write: never, touch: never, del: never };
    const store = new DatabankStore(new Databank(driver, { timeoutMs: 300 }));
    const start = performance.now();

    const calls = Array.from({ length: 5 }, () => [
      store.set("s", CART),
      store.touch("s", CART),
      store.destroy("s"),
    ]).flat();
    const results = await Promise.allSettled(calls);

    expect(performance.now() - start).toBeLessThan(1200);
    for (const result of results) {
      expect(result).toMatchObject({ reason: { code: "DATABANK_TIMEOUT" } });
    }
  });
});

describe("an update that takes long", () => {
  it("does not keep anybody from logging out", async () => {
    const store = new DatabankStore(new Databank(memoryDriver()));
    const gate = new Gate();
    await store.set("s", CART);
    const updated = store.update("s", async (session) => {
      await gate.opened;
      return { ...session, cart: 2 };
    });

    await store.destroy("s");
    expect(await store.get("s")).toBeNull();
    gate.open();

    expect(await updated).toBe("gone");
    expect(await store.get("s")).toBeNull();
  });

  it("may save the session itself, and is called again after that", async () => {
    const store = new DatabankStore(new Databank(memoryDriver()));
    await store.set("s", CART);
    let calls = 0;

    const outcome = await store.update("s", async (session) => {
      calls += 1;
      if (calls === 1) {
        const other = await load(store, "s");
        other.saved = true;
        await store.set("s", other);
      }
      session.updated = true;
    });

    expect(outcome).toBe("written");
    expect(calls).toBe(2);
    expect(await store.get("s")).toMatchObject({ cart: 1, saved: true, updated: true });
  });
});
