// One operation on one store, in turns that its parent asks for; sends each turn's rate.
import { measure, processorMs } from "./measure.mjs";
import { operations } from "./operations.mjs";

const { suite: name, which, op, inFlight, cpu, context } = JSON.parse(process.argv[2]);
const suite = await import(`./suites/${name}.mjs`);
const { store, close } = await suite[which](context);
const operation = await operations[op](store, suite.seeded);

process.on("message", async (message) => {
  if (message === "turn") {
    const turn = await operation.turn?.();
    process.send(await measure({ ...operation, ...turn }, inFlight, cpu ? processorMs : undefined));
  } else {
    await close?.();
    process.exit();
  }
});
process.send("ready");
