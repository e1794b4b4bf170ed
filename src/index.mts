// The ESM entry re-exports the CommonJS build, so that `require` and `import` share classes.

export type { DatabankStoreClass, DatabankStoreOptions, ErrorCode } from "./api.js";
export {
  AlreadyConnectedError,
  AlreadyExistsError,
  connectDatabank,
  connectDatabank as default,
  Databank,
  DatabankError,
  DatabankObject,
  DatabankStore,
  NoSuchItemError,
  NoSuchThingError,
  NotConnectedError,
  NotImplementedError,
  WrongTypeError,
} from "./api.js";
