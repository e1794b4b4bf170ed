export { type DriverContractOptions, testDriver } from "./driver-contract.js";
export { type StoreContractOptions, testStore } from "./store-contract.js";
export type { TestRunner } from "./test-runner.js";
