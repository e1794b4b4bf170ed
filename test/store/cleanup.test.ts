import { createRequire } from "node:module";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type { Driver } from "../../src/databank/driver.js";
import type { LegacyDatabank } from "../../src/databank/legacy-driver.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { underLease } from "../../src/store/cleanup.js";
import { sessionBank } from "../../src/store/session-bank.js";
import { Gate } from "../support/gate.js";

const require = createRequire(__filename);
const MINUTE_MS = 60_000;

afterEach(() => {
  vi.useRealTimers();
});

async function oldBank(): Promise<Databank> {
  const { Databank: Old } = require("databank");
  const bank: LegacyDatabank = Old.get("memory", {});
  await new Promise((done) => bank.connect({}, done));
  return sessionBank(bank).bank;
}

const BANKS: [string, () => Promise<Databank>][] = [
  ["a databank", async () => new Databank(memoryDriver())],
  ["a databank of the old package", oldBank],
];

describe.each(BANKS)("a lease in %s", (_name, open) => {
  /** Takes the lease, and holds it until the gate opens. */
  async function held(bank: Databank) {
    const [begun, gate] = [new Gate(), new Gate()];
    const running = underLease(bank, "task", MINUTE_MS, async () => {
      begun.open();
      await gate.opened;
    });
    await begun.opened;
    return { running, gate };
  }

  it("keeps others from the task while it runs, and not longer", async () => {
    const bank = await open();
    const task = vi.fn(async () => {});
    const { running, gate } = await held(bank);

    expect(await underLease(bank, "task", MINUTE_MS, task)).toBe(false);
    expect(await underLease(bank, "another task", MINUTE_MS, task)).toBe(true);
    gate.open();
    expect(await running).toBe(true);
    expect(await underLease(bank, "task", MINUTE_MS, task)).toBe(true);
    expect(task).toHaveBeenCalledTimes(2);
  });

  it("ends when the process that held it has died", async () => {
    const bank = await open();
    vi.useFakeTimers({ toFake: ["Date", "setInterval"] });
    await held(bank);
    // Its timer does not run any more.
    vi.clearAllTimers();
    vi.setSystemTime(Date.now() + MINUTE_MS - 1);
    expect(await underLease(bank, "task", MINUTE_MS, async () => {})).toBe(false);
    vi.setSystemTime(Date.now() + 1);

    expect(await underLease(bank, "task", MINUTE_MS, async () => {})).toBe(true);
  });

  it("lasts as long as a task that takes longer", async () => {
    const bank = await open();
    vi.useFakeTimers({ toFake: ["Date", "setInterval", "clearInterval"] });
    const { running, gate } = await held(bank);
    for (let i = 0; i < 6; i += 1) {
      await vi.advanceTimersByTimeAsync(MINUTE_MS / 3);
      await delay(5);
    }
    expect(await underLease(bank, "task", MINUTE_MS, async () => {})).toBe(false);
    gate.open();

    expect(await running).toBe(true);
    expect(await underLease(bank, "task", MINUTE_MS, async () => {})).toBe(true);
  });
});

describe("a task under a lease", () => {
  it("that fails leaves no lease behind", async () => {
    const bank = new Databank(memoryDriver());
    const failed = underLease(bank, "task", MINUTE_MS, async () => {
      throw new Error("down");
    });
    await expect(failed).rejects.toThrow("down");

    expect(await underLease(bank, "task", MINUTE_MS, async () => {})).toBe(true);
  });

  it("goes on when its lease cannot be renewed", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const memory = memoryDriver();
    const driver: Driver = { ...memory, touch: () => Promise.reject(new Error("down")) };
    const gate = new Gate();
    const running = underLease(new Databank(driver), "task", MINUTE_MS, () => gate.opened);
    await delay(5);
    await vi.advanceTimersByTimeAsync(MINUTE_MS);
    gate.open();

    expect(await running).toBe(true);
  });
});
