// The whole public surface of `connect-databank`, as a list.
import { checkRuntime } from "./databank/runtime.js";
import { registerDrivers } from "./drivers/catalog.js";

checkRuntime();
registerDrivers();

export { Databank } from "./databank/databank.js";
export { DatabankObject } from "./databank/databank-object.js";
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
export type { DatabankStoreOptions } from "./store/options.js";
export { connectDatabank, DatabankStore, type DatabankStoreClass } from "./store/store-class.js";
