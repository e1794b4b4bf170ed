// The CommonJS entry: `require("connect-databank")(session)` is how version 1 was used.
import api = require("./api.js");

function connectDatabank(session: Parameters<typeof api.connectDatabank>[0]) {
  return api.connectDatabank(session);
}

namespace connectDatabank {
  export import AlreadyConnectedError = api.AlreadyConnectedError;
  export import AlreadyExistsError = api.AlreadyExistsError;
  export import Databank = api.Databank;
  export import DatabankError = api.DatabankError;
  export import DatabankObject = api.DatabankObject;
  export import DatabankStore = api.DatabankStore;
  export import NoSuchItemError = api.NoSuchItemError;
  export import NoSuchThingError = api.NoSuchThingError;
  export import NotConnectedError = api.NotConnectedError;
  export import NotImplementedError = api.NotImplementedError;
  export import WrongTypeError = api.WrongTypeError;
  export type DatabankStoreClass = api.DatabankStoreClass;
  export type DatabankStoreOptions = api.DatabankStoreOptions;
  export type ErrorCode = api.ErrorCode;
}

export = connectDatabank;
