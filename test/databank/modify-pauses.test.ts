import { expect, it, vi } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { entry } from "../support/entry.js";

const pauses = vi.hoisted(() => [] as number[]);

vi.mock(import("node:timers/promises"), async (load) => {
  const timers = await load();
  const setTimeout: typeof timers.setTimeout = (ms, ...rest) => {
    pauses.push(ms ?? 0);
    return timers.setTimeout(ms, ...rest);
  };
  return { ...timers, setTimeout };
});

it("a change that lost is tried again at once every other time, or one that never lost would always win", async () => {
  const driver = memoryDriver();
  const bank = new Databank(driver);
  await bank.save("counter", "a", 0);
  let tries = 0;

  await bank.modify<number>("counter", "a", (value) => {
    tries += 1;
    if (tries <= 6) void driver.write("counter", [entry("a", { json: `${tries}` })]);
    return (value ?? 0) + 100;
  });

  expect(await bank.read("counter", "a")).toBe(106);
  expect(pauses.length).toBe(3);
});
