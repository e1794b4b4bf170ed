// node bench/event-loop.mjs [entries]: for how long, at a stretch, a disk databank with so many
// sessions keeps the event loop from everything else while it does something with all of them.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import { build } from "../scripts/run.mjs";

await build();
const { Databank } = await import("connect-databank");
const COUNT = Number(process.argv[2] ?? 100_000);
const BATCH = 1000;
const SESSION = { cookie: {}, text: "x".repeat(1000) };

const TASKS = {
  "cleanup of expired ones": (bank) => bank.deleteExpired("session"),
  clear: (bank) => bank.clear("session"),
  count: (bank) => bank.count("session"),
  async scan(bank) {
    for await (const _ of bank.scan("session"));
  },
};

console.log(`| ${COUNT.toLocaleString("en")} entries | took | longest stretch |`);
console.log("| --- | ---: | ---: |");
for (const [name, task] of Object.entries(TASKS)) {
  const dir = await mkdtemp(path.join(tmpdir(), "bench-event-loop-"));
  const bank = Databank.open({ driver: "disk", dir, durable: false, timeoutMs: 600_000 });
  try {
    await fill(bank, name.startsWith("cleanup"));
    await show(name, () => task(bank));
  } finally {
    await bank.disconnect();
    await rm(dir, { recursive: true });
  }
}

/** Makes the entries; expired ones in the past, because a deadline that has passed leaves none. */
async function fill(bank, isExpired) {
  const { now } = Date;
  const expiresAt = isExpired ? now() - 120_000 : null;
  if (isExpired) Date.now = () => now() - 3_600_000;
  for (let start = 0; start < COUNT; start += BATCH) {
    const saved = Array.from({ length: BATCH }, (_, i) =>
      bank.save("session", `${start + i}`, SESSION, { expiresAt }),
    );
    await Promise.all(saved);
  }
  Date.now = now;
}

async function show(name, task) {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const start = performance.now();
  await task();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  // A stretch that reaches to the end counts too.
  await nextTurn();
  await new Promise((done) => setTimeout(done, 5));
  delays.disable();
  console.log(`| ${name} | ${seconds} s | ${(delays.max / 1e6).toFixed(1)} ms |`);
}
