import { beforeAll, describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import { registerDrivers } from "../../src/drivers/catalog.js";

beforeAll(registerDrivers);

describe("a databank", () => {
  it("keeps values", async () => {
    const bank = Databank.open("memory:");

    expect(await bank.find("planet", "mars")).toBeNull();
    expect(await bank.create("planet", "mars", { moons: 2 })).toEqual({ moons: 2 });
    expect(await bank.read("planet", "mars")).toEqual({ moons: 2 });
    expect(await bank.save("planet", "mars", { moons: 3 })).toEqual({ moons: 3 });
    expect(await bank.touch("planet", "mars", Date.now() + 60_000)).toBe(true);
    await bank.del("planet", "mars");

    await expect(bank.read("planet", "mars")).rejects.toThrow("No such 'planet'");
    await bank.disconnect();
    await expect(bank.read("planet", "mars")).rejects.toThrow("Not connected");
  });
});
