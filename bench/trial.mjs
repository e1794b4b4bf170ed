// One operation on one store, in turns that its parent asks for; sends what each turn has measured.
import { measure } from "./measure.mjs";
import { operations } from "./operations.mjs";

const { suite: name, which, op, inFlight, context } = JSON.parse(process.argv[2]);
const suite = await import(`./suites/${name}.mjs`);
const { store, close } = await suite[which](context);
const operation = await operations[op](store, suite.seeded);

// Until what is done often has been compiled, as in a server that has run for a while. One call at a
// time takes long for that, and its path is not quite that of many.
const WARM_UP_MS = 4000;
const MANY = 64;

async function turn(inFlight) {
  return measure({ ...operation, ...(await operation.turn?.()) }, inFlight);
}

for (const warm of [MANY, inFlight]) {
  const start = performance.now();
  while (performance.now() - start < WARM_UP_MS) await turn(warm);
}

process.on("message", async (message) => {
  if (message === "turn") {
    process.send(await turn(inFlight));
  } else {
    await close?.();
    process.exit();
  }
});
process.send("ready");
