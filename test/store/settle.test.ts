import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type { Driver } from "../../src/databank/driver.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import type { DatabankStoreOptions } from "../../src/store/options.js";
import { DatabankStore } from "../../src/store/store-class.js";

const START = 1_800_000_000_000;
const MINUTE_MS = 60_000;

let memory: Driver;
let bank: Databank;

beforeEach(() => {
  vi.useFakeTimers({ now: START, toFake: ["Date"] });
  memory = memoryDriver();
  bank = new Databank(memory);
});
afterEach(() => {
  vi.useRealTimers();
});

function storeOf(options: DatabankStoreOptions = {}, on = bank): DatabankStore {
  return new DatabankStore(on, { cleanupIntervalMs: 0, ...options });
}

/** The deadlines in the databank, from the first to the last; `null` is never. */
async function deadlines(): Promise<(number | null)[]> {
  const found: (number | null)[] = [];
  for await (const { expiresAt } of bank.scan("session")) found.push(expiresAt);
  return found.toSorted((a, b) => (a ?? 0) - (b ?? 0));
}

describe("sessions stored before a store had its limits", () => {
  it("are deleted by the cleanup when they are older than absoluteTimeoutMs, and then not counted", async () => {
    const lax = storeOf();
    await lax.set("old, without a deadline", { cookie: {} });
    await lax.set("old, with a long one", { cookie: { maxAge: 90 * MINUTE_MS } });
    vi.setSystemTime(START + 10 * MINUTE_MS);
    await lax.set("young", { cookie: {}, user: "ann" });
    const strict = storeOf({ absoluteTimeoutMs: 5 * MINUTE_MS });

    expect(await strict.cleanup()).toBe(2);
    expect(await strict.length()).toBe(1);
    expect(await deadlines()).toEqual([START + 15 * MINUTE_MS]);
    expect(await strict.get("young")).toMatchObject({ user: "ann" });
    expect(strict.counts.expired).toBe(2);
  });

  it("are left to the next cleanup by a store that is closed", async () => {
    const lax = storeOf();
    for (let i = 0; i < 20; i += 1) await lax.set(`${i}`, { cookie: {} });
    let writes = 0;
    const closing: Promise<unknown>[] = [];
    const driver: Driver = {
      ...memory,
      write(type, written) {
        if (type === "session") writes += 1;
        if (writes === 1 && closing.length === 0) closing.push(strict.close());
        return memory.write(type, written);
      },
    };
    const strict = storeOf({ ttlMs: 30 * MINUTE_MS }, new Databank(driver));

    await strict.cleanup();
    await Promise.all(closing);

    expect(writes).toBe(1);
    await storeOf({ ttlMs: 30 * MINUTE_MS }).cleanup();
    expect(await deadlines()).toEqual(Array(20).fill(START + 30 * MINUTE_MS));
  });

  it("without a deadline get ttlMs from the first cleanup on, and others keep theirs", async () => {
    const lax = storeOf();
    await lax.set("never", { cookie: {} });
    await lax.set("soon", { cookie: { maxAge: MINUTE_MS } });
    await lax.set("late", { cookie: { maxAge: 90 * MINUTE_MS } });
    const strict = storeOf({ ttlMs: 30 * MINUTE_MS });

    expect(await strict.cleanup()).toBe(0);
    expect(await deadlines()).toEqual([1, 30, 90].map((minutes) => START + minutes * MINUTE_MS));
    expect((await strict.get("never"))?.cookie).toMatchObject({ expires: null });
  });

  it("of version 1 keep the deadline in their cookie, which counts", async () => {
    const ends = START + 90 * MINUTE_MS;
    const value = { cookie: { expires: new Date(ends).toISOString() }, sid: "s" };
    await bank.save("session", "s", value);
    await storeOf({ ids: "classic", ttlMs: MINUTE_MS }).cleanup();
    expect(await deadlines()).toEqual([null]);

    await storeOf({ ids: "classic", absoluteTimeoutMs: 30 * MINUTE_MS }).cleanup();
    expect(await deadlines()).toEqual([START + 30 * MINUTE_MS]);
    expect((await bank.find("session", "s"))?.value).toEqual(value);
  });

  it("go on for a request that has loaded one, without a conflict", async () => {
    const strict = storeOf({ ttlMs: 30 * MINUTE_MS });
    await storeOf().set("s", { cookie: {}, cart: 1 });
    const mine = await strict.get("s");
    await strict.cleanup();
    await strict.set("s", Object.assign(mine ?? {}, { cart: 2 }));

    expect(await strict.get("s")).toMatchObject({ cart: 2 });
    expect(strict.counts.conflict).toBe(0);
    expect(await deadlines()).toEqual([START + 30 * MINUTE_MS]);
  });

  it.each([
    ["would give it a deadline", "write", { ttlMs: MINUTE_MS }],
    ["would delete it", "del", { absoluteTimeoutMs: MINUTE_MS }],
  ] as const)("are left to a request that saves one when the cleanup %s", async (...row) => {
    const [, method, options] = row;
    const lax = storeOf();
    await lax.set("s", { cookie: {}, cart: 1 });
    vi.setSystemTime(START + 10 * MINUTE_MS);
    // Somebody saves between the look at the session and what is made of it.
    const overtaken = async (type: string, members: never) => {
      if (type === "session") await lax.update("s", (session) => ({ ...session, cart: 2 }));
      return Reflect.apply(memory[method], memory, [type, members]) as never;
    };
    const strict = storeOf(options, new Databank({ ...memory, [method]: overtaken }));

    expect(await strict.cleanup()).toBe(0);
    expect(await lax.get("s")).toMatchObject({ cart: 2 });
    expect(await deadlines()).toEqual([null]);
  });

  it("are looked at once, whichever process does it, and again with other limits", async () => {
    const scan = vi.fn(memory.scan?.bind(memory));
    const watched = () => new Databank({ ...memory, scan });
    await storeOf({ ttlMs: MINUTE_MS }, watched()).cleanup();
    await storeOf({ ttlMs: MINUTE_MS }, watched()).cleanup();
    expect(scan).toHaveBeenCalledTimes(1);

    await storeOf({ ttlMs: 2 * MINUTE_MS }, watched()).cleanup();
    await storeOf({}, watched()).cleanup();
    expect(scan).toHaveBeenCalledTimes(2);
    vi.setSystemTime(START + 8 * 86_400_000);
    await storeOf({ ttlMs: MINUTE_MS }, watched()).cleanup();
    expect(scan).toHaveBeenCalledTimes(3);
  });

  it("are left alone where the database cannot list them", async () => {
    const capabilities = { ...memory.capabilities, scan: false };
    const { scan: _scan, count: _count, clear: _clear, ...unlisted } = memory;
    const store = storeOf({ ttlMs: MINUTE_MS }, new Databank({ ...unlisted, capabilities }));

    expect(await store.cleanup()).toBe(0);
  });
});
