export { type DriverContractOptions, testDriver } from "./driver-contract.js";
export type { TestRunner } from "./test-runner.js";
