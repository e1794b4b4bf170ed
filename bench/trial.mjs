// One operation on one store, at each number of requests in flight; sends the rates to its parent.
import { measure, processorMs } from "./measure.mjs";
import { operations } from "./operations.mjs";

const { suite: name, which, op, cpu, context } = JSON.parse(process.argv[2]);
const suite = await import(`./suites/${name}.mjs`);
const { store, close } = await suite[which](context);
const rates = [];
for (const inFlight of suite.inFlight) {
  const operation = await operations[op](store, suite.seeded);
  rates.push(await measure(operation, inFlight, cpu ? processorMs : undefined));
}
await close?.();
process.send(rates, () => process.exit());
