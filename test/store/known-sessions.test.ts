import { describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type { Driver, Read, ReadResult } from "../../src/databank/driver.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { DatabankStore } from "../../src/store/store-class.js";

const SID = "s";
const session = (cart: number) => ({ cookie: { maxAge: 60_000 }, cart: { items: [cart] } });

/** Two stores on one database that never sends a value whose version the reader knows. */
function twoProcesses(answer = (result: ReadResult, _read: Read): ReadResult => result) {
  const memory = memoryDriver();
  const sent: (string | null)[] = [];
  const driver: Driver = {
    ...memory,
    async read(type, reads) {
      const results = await memory.read(type, reads);
      return results.map((result, i) => {
        const { known } = reads[i] as Read;
        if (result === null || result instanceof Error) {
          sent.push(null);
          return result;
        }
        const { json, ...unchanged } = result;
        const answered = answer(known === result.version ? unchanged : result, reads[i] as Read);
        sent.push("json" in Object(answered) ? (json ?? null) : null);
        return answered;
      });
    },
  };
  const store = () => new DatabankStore(new Databank(driver), { cleanupIntervalMs: 0 });
  return { ours: store(), theirs: store(), sent };
}

describe("a session that this process knows", () => {
  it("is not sent again while it stays as it is", async () => {
    const { ours, theirs, sent } = twoProcesses();
    await theirs.set(SID, session(1));

    for (let i = 0; i < 3; i += 1) {
      const got = await ours.get<{ cart: { items: number[] } }>(SID);
      expect(got?.cart).toEqual({ items: [1] });
      got?.cart.items.push(2);
    }

    expect(sent.filter((text) => text !== null)).toHaveLength(1);
  });

  it("shows what another process has written since", async () => {
    const { ours, theirs } = twoProcesses();
    await ours.set(SID, session(1));
    await ours.get(SID);

    await theirs.update(SID, () => session(2));

    expect(await ours.get(SID)).toMatchObject({ cart: { items: [2] } });
  });

  it("shows the deadline to which another process has moved it", async () => {
    const { ours, theirs } = twoProcesses();
    await ours.set(SID, session(1));
    const before = await ours.get(SID);

    await theirs.touch(SID, { cookie: { maxAge: 3_600_000 } });

    const after = await ours.get(SID);
    expect(Date.parse(String(after?.cookie.expires))).toBeGreaterThan(
      Date.parse(String(before?.cookie.expires)) + 3_000_000,
    );
  });

  it("shows what a person has edited under its old version, where the value comes anyway", async () => {
    const memory = memoryDriver();
    const bank = new Databank(memory);
    const store = new DatabankStore(bank, { cleanupIntervalMs: 0 });
    await store.set(SID, session(1));
    await store.get(SID);
    const page = await memory.scan?.("session", { limit: 1, cursor: null });
    const [entry] = page?.entries ?? [];
    if (!entry) throw new Error("Nothing is stored");

    await memory.write("session", [{ ...entry, json: entry.json.replace("[1]", "[3]") }]);

    expect(await store.get(SID)).toMatchObject({ cart: { items: [3] } });
  });

  it("is forgotten once it is gone", async () => {
    const known: unknown[] = [];
    const { ours, theirs } = twoProcesses((result, read) => {
      known.push(read.known);
      return result;
    });
    await ours.set(SID, session(1));
    await theirs.destroy(SID);

    expect(await ours.get(SID)).toBeNull();
    await theirs.set(SID, session(2));
    expect(await ours.get(SID)).toMatchObject({ cart: { items: [2] } });
    expect(known).toEqual([undefined]);
  });

  it("is damaged, and no other session, if a database leaves out a version nobody knows", async () => {
    const { ours, theirs } = twoProcesses((result) => {
      const { json: _json, ...rest } = result as { json?: string };
      return { ...rest, version: "life.other" } as ReadResult;
    });
    await theirs.set(SID, session(1));
    await ours.update(SID, () => undefined);

    expect(await ours.get(SID)).toBeNull();
    expect(ours.counts.corrupt).toBeGreaterThan(0);
  });
});
