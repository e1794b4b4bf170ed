// A process that uses the folder of a disk databank under a condition of its own, and tells what
// became of each call.
import { chmodSync, closeSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Databank } from "connect-databank";

const [, , task, dir] = process.argv;
const bank = Databank.open(`disk:${dir}`);

const tasks = {
  /** Writes one entry after another, until it is killed. */
  async write() {
    for (let i = 0; ; i += 1) {
      await bank.save("session", `${i}`, i);
      process.send(i);
    }
  },

  /** Calls when no more files can be opened, or only `process.argv[4]`, and again when they can. */
  async exhaust() {
    await bank.save("session", "there", 1);
    await bank.read("session", "there");
    const open = [];
    try {
      for (;;) open.push(openSync("/dev/null"));
    } catch {
      for (let left = Number(process.argv[4]); left > 0; left -= 1) closeSync(open.pop());
    }
    const outcomes = await outcomesOfAll();
    for (const file of open) closeSync(file);
    process.send({ outcomes, afterwards: await outcome(bank.read("session", "there")) });
  },

  /** Calls when the entry's file may not be read. */
  async forbid() {
    await bank.save("session", "there", 1);
    const folder = join(dir, "session");
    for (const name of readdirSync(folder, { recursive: true })) {
      if (name.endsWith(".json")) chmodSync(join(folder, name), 0o000);
    }
    // Root may read everything.
    if (process.getuid() === 0) process.seteuid(65_534);
    const outcomes = await outcomesOfAll();
    if (process.getuid() === 0) process.seteuid(0);
    process.send({ outcomes });
  },
};

async function outcomesOfAll() {
  const calls = {
    read: () => bank.find("session", "there"),
    create: () => bank.create("session", "there", 2),
    del: () => bank.del("session", "there"),
    another: () => bank.save("session", "another", 1),
    count: () => bank.count("session"),
    clear: () => bank.clear("session"),
  };
  const outcomes = {};
  for (const [name, call] of Object.entries(calls)) outcomes[name] = await outcome(call());
  return outcomes;
}

/** The code of the system's error, or what the call resolves to. */
function outcome(promise) {
  const codeOf = (error) => (error?.cause ? codeOf(error.cause) : (error?.code ?? String(error)));
  return promise.then((value) => value ?? null, codeOf);
}

await tasks[task]();
await bank.disconnect();
process.disconnect();
