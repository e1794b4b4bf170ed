import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { DatabankStore } from "../../src/store/store-class.js";

interface Live {
  n: number;
  cookie: { maxAge: number | null; path: string };
}

interface Stored {
  readonly n: number;
  readonly cookie: Readonly<Record<string, unknown>>;
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000, toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets a request change a session that has been stored, and returns its entry before and after. */
async function changed(cookie: object, change: (live: Live) => void) {
  const bank = new Databank(memoryDriver());
  const store = new DatabankStore(bank, { cleanupIntervalMs: 0 });
  const entry = async () => {
    for await (const found of bank.scan<Stored>("session")) return found;
    throw new Error("Nothing is stored");
  };
  await store.set("s", { cookie, n: 1 });
  const before = await entry();
  vi.advanceTimersByTime(1000);
  const plain = await store.get("s");
  const live = store.createSession<Live>({ sessionID: "s" }, plain as object);
  change(live);
  await store.set("s", live);
  return { before, after: await entry(), read: await store.get("s") };
}

const hour = () => ({
  originalMaxAge: 3_600_000,
  expires: new Date(Date.now() + 3_600_000).toISOString(),
  path: "/",
});

describe("the stored cookie of a session that is saved", () => {
  it("stays while nothing but its moment of expiry moves: the entry has its own", async () => {
    const { before, after, read } = await changed(hour(), (live) => {
      live.n = 2;
      live.cookie.maxAge = 3_600_000;
    });

    expect(after.value).toEqual({ cookie: before.value.cookie, n: 2 });
    expect(after.expiresAt).toBe(Date.now() + 3_600_000);
    expect(read?.cookie.expires).toBe(new Date(Date.now() + 3_600_000).toISOString());
  });

  it("follows a change of its lifetime", async () => {
    const { after, read } = await changed(hour(), (live) => {
      live.cookie.maxAge = 60_000;
    });

    expect(after.value.cookie.originalMaxAge).toBe(60_000);
    expect(after.expiresAt).toBe(Date.now() + 60_000);
    expect(read?.cookie.originalMaxAge).toBe(60_000);
  });

  it("follows a change of another field", async () => {
    const { after } = await changed(hour(), (live) => {
      live.cookie.path = "/shop";
    });

    expect(after.value.cookie.path).toBe("/shop");
  });

  it("gets a lifetime where it had none, and loses one", async () => {
    const got = await changed({ path: "/" }, (live) => {
      live.cookie.maxAge = 60_000;
    });
    const lost = await changed(hour(), (live) => {
      live.cookie.maxAge = null;
    });

    expect(got.read?.cookie.expires).toBe(new Date(Date.now() - 1000 + 60_000).toISOString());
    expect(lost.read?.cookie.expires).toBeNull();
  });
});
