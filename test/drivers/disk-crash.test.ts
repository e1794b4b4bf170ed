import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import { diskDriver } from "../../src/drivers/disk.js";

const TIMES = 50;

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "disk-crash-"));
});

afterAll(async () => {
  await rm(dir, { recursive: true });
});

describe("a process that is killed while it writes", () => {
  it(`leaves every acknowledged write, ${TIMES} times, and no lock that stops the next one`, async () => {
    const acknowledged: string[] = [];
    for (let round = 0; round < TIMES; round += 1) {
      const script = join(__dirname, "../support/writer-process.mjs");
      const child = fork(script, [`disk:${dir}`, "entry", `${round}`]);
      let written = 0;
      child.on("message", (id: string) => {
        acknowledged.push(id);
        written += 1;
        if (written === 20 + round) child.kill("SIGKILL");
      });
      await once(child, "close");
    }

    const bank = new Databank(diskDriver({ dir }));
    const found = await bank.readAll("entry", acknowledged);
    await bank.disconnect();
    expect(Object.keys(found).filter((id) => found[id] === null)).toEqual([]);
    expect(acknowledged.length).toBeGreaterThanOrEqual(TIMES * 20);
  }, 120_000);
});
