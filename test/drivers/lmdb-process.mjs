// A process that uses a folder of the lmdb driver in a way that others have to bear.
import { writeSync } from "node:fs";
import { Databank } from "connect-databank/databank";
import { lmdbDriver } from "connect-databank/drivers/lmdb";
import { open } from "lmdb";

const [, , task, path] = process.argv;

const tasks = {
  /** Keeps the lock of the writers until it is killed, and says when it has it. */
  hold() {
    open({ path, noSubdir: false, overlappingSync: false }).transactionSync(() => {
      writeSync(1, "held");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });
  },

  fill: () => fill(new Databank(lmdbDriver({ url: `lmdb:${path}` }))),
  fillOwn: () => fill(new Databank(lmdbDriver({ database: open({ path, noSubdir: false }) }))),
};

/** Writes what fits and what does not, and tells what became of each and of what was there. */
async function fill(bank) {
  const small = "x".repeat(1000);
  await bank.create("t", "old", small);
  const outcomes = [];
  for (const value of ["y".repeat(3_000_000), small, "z".repeat(3_000_000)]) {
    const [old, neighbour] = await Promise.allSettled([
      bank.save("t", "old", value),
      bank.save("t", "neighbour", small),
    ]);
    outcomes.push([old.status, neighbour.status, await bank.read("t", "old")]);
  }
  await bank.disconnect();
  writeSync(1, JSON.stringify(outcomes.map(([a, b, value]) => [a, b, value === small])));
  process.exit();
}

await tasks[task]();
