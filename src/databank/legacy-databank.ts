import { DatabankError, NotConnectedError } from "./errors.js";

type LegacyCallback<T = unknown> = (error: unknown, result?: T) => void;

/** A databank object of the npm package `databank`, version 0.19 or 1, connected by its owner. */
export interface LegacyDatabank {
  readonly schema?: unknown;
  connect(params: object, callback: LegacyCallback): void;
  disconnect(callback: LegacyCallback): void;
  create(type: string, id: string, value: unknown, callback: LegacyCallback): void;
  read(type: string, id: string, callback: LegacyCallback): void;
  update(type: string, id: string, value: unknown, callback: LegacyCallback): void;
  del(type: string, id: string, callback: LegacyCallback): void;
  scan(type: string, onResult: (value: unknown) => void, callback: LegacyCallback): void;
  search(
    type: string,
    criteria: object,
    onResult: (value: unknown) => void,
    callback: LegacyCallback,
  ): void;
}

const METHODS = [
  "connect",
  "disconnect",
  "create",
  "read",
  "update",
  "save",
  "del",
  "scan",
  "search",
  "readAll",
];

/** Whether something is a databank object of the old package, judged by its methods. */
export function isLegacyDatabank(value: unknown): value is LegacyDatabank {
  if (typeof value !== "object" || value === null) return false;
  // Ours has the same methods, and this besides.
  if (Object.hasOwn(value, "collector")) return false;
  return hasLegacyMethods(value);
}

/** Whether something has the methods; a databank of ours, and the prototype of a class, may too. */
export function hasLegacyMethods(value: unknown): boolean {
  return METHODS.every((method) => typeof Reflect.get(Object(value), method) === "function");
}

/** Calls a method of an old databank and resolves to what its callback gets. */
export function call(invoke: (callback: LegacyCallback) => void): Promise<unknown> {
  return new Promise((resolve, reject) => {
    invoke((error, result) => {
      if (error) reject(translated(error));
      else resolve(result);
    });
  });
}

/** Whether an error is of a kind. Its class is that of another package, so the name has to do. */
export function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}

function translated(error: unknown): Error {
  if (isNamed(error, "NotConnectedError")) return new NotConnectedError();
  return error instanceof Error
    ? error
    : new DatabankError("The old databank failed", { cause: error });
}
