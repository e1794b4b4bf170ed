import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import { registerDrivers } from "../../src/drivers/catalog.js";

registerDrivers();

/**
 * Kills processes while they write, one after another, each a little later than the one before, and
 * expects every write to be there that was acknowledged.
 *
 * @param url - The databank's URL.
 * @param writes - How many writes of the first process are acknowledged at least.
 */
export async function expectNothingLost(url: string, times: number, writes: number): Promise<void> {
  const acknowledged: string[] = [];
  for (let round = 0; round < times; round += 1) {
    const child = fork(join(__dirname, "writer-process.mjs"), [url, "entry", `${round}`]);
    let written = 0;
    child.on("message", (id: string) => {
      acknowledged.push(id);
      written += 1;
      if (written === writes + round) child.kill("SIGKILL");
    });
    await once(child, "close");
  }

  const bank = Databank.open(url);
  const found = await bank.readAll("entry", acknowledged);
  await bank.disconnect();
  expect(acknowledged.length).toBeGreaterThanOrEqual(times * writes);
  expect(acknowledged.filter((id) => found[id] === null)).toEqual([]);
}
