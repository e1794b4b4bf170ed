// What the npm package `databank` exported, for programs that were written for it.
import { registerDrivers } from "./drivers/catalog.js";

registerDrivers();

export { Databank, type OpenOptions } from "./databank/databank.js";
export {
  DatabankObject,
  type DatabankObjectClass,
} from "./databank/databank-object.js";
export type { DatabankOptions } from "./databank/databank-options.js";
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
