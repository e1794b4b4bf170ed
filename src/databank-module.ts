// What the npm package `databank` exported, for programs that were written for it, and what else
// there is to a databank.
import { checkRuntime } from "./databank/runtime.js";
import { registerDrivers } from "./drivers/catalog.js";

checkRuntime();
registerDrivers();

export type { Answer } from "./databank/answer.js";
export type { Criteria } from "./databank/criteria.js";
export { Databank, type OpenOptions } from "./databank/databank.js";
export {
  DatabankObject,
  type DatabankObjectClass,
} from "./databank/databank-object.js";
export type { DatabankOptions } from "./databank/databank-options.js";
// What a driver is, and what it is given and gives.
export type {
  Calling,
  Capabilities,
  Condition,
  Conflict,
  CorruptReport,
  CountedPage,
  Criterion,
  DeletedPage,
  Deletion,
  Driver,
  EntryPage,
  Method,
  Page,
  Read,
  ReadResult,
  Schema,
  StoredEntry,
  Touch,
  TypeSchema,
  UnchangedEntry,
  Write,
  WriteResult,
} from "./databank/driver.js";
export type { Entry } from "./databank/entry.js";
export {
  AlreadyConnectedError,
  AlreadyExistsError,
  DatabankError,
  type ErrorCode,
  NoSuchItemError,
  NoSuchThingError,
  NotConnectedError,
  NotImplementedError,
  WrongTypeError,
} from "./databank/errors.js";
export type { Value } from "./databank/json.js";
export { type LegacyDriverOptions, legacyDriver } from "./databank/legacy-driver.js";
export type { DriverFactory, DriverOptions } from "./databank/registry.js";
export type {
  DeleteOptions,
  ModifyOptions,
  SaveOptions,
  WriteOptions,
  WriteOutcome,
} from "./databank/write-options.js";
export { DriverTest, type DriverTestSuite } from "./driver-test.js";
