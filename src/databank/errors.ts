/** Codes are API: they change only in a major version. Messages may change in any. */
export type ErrorCode =
  | "DATABANK_ALREADY_CONNECTED"
  | "DATABANK_ALREADY_EXISTS"
  | "DATABANK_CONFLICT"
  | "DATABANK_CORRUPT_ENTRY"
  | "DATABANK_DRIVER_FAILED"
  | "DATABANK_DRIVER_NOT_INSTALLED"
  | "DATABANK_INVALID_OPTION"
  | "DATABANK_INVALID_VALUE"
  | "DATABANK_NOT_CONNECTED"
  | "DATABANK_NOT_IMPLEMENTED"
  | "DATABANK_NO_SUCH_ITEM"
  | "DATABANK_NO_SUCH_THING"
  | "DATABANK_QUEUE_FULL"
  | "DATABANK_TIMEOUT"
  | "DATABANK_UNKNOWN_DRIVER"
  | "DATABANK_VALUE_TOO_LARGE"
  | "DATABANK_WRONG_TYPE";

/** Anything that goes wrong in a databank. Branch on `code`, never on `message`. */
export class DatabankError extends Error {
  override readonly name: string = "DatabankError";
  readonly code: ErrorCode;

  /** @param options - `code` is `DATABANK_DRIVER_FAILED` by default. */
  constructor(message?: string, options: ErrorOptions & { readonly code?: ErrorCode } = {}) {
    super(message ?? "Databank error", options);
    this.code = options.code ?? "DATABANK_DRIVER_FAILED";
  }
}

// Ids are kept for the program, but out of messages and of `JSON.stringify`: session ids are
// secrets, and both of these reach logs.
function hide(error: DatabankError, fields: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(fields)) {
    Object.defineProperty(error, name, { value, enumerable: false });
  }
}

/** There is nothing with that id to read, update or delete. Code `DATABANK_NO_SUCH_THING`. */
export class NoSuchThingError extends DatabankError {
  override readonly name = "NoSuchThingError";
  readonly type: string;
  declare readonly id: unknown;

  constructor(type: string, id: unknown) {
    super(`No such '${type}' with that id`, { code: "DATABANK_NO_SUCH_THING" });
    this.type = type;
    hide(this, { id });
  }
}

/** `create` found something with that id. Code `DATABANK_ALREADY_EXISTS`. */
export class AlreadyExistsError extends DatabankError {
  override readonly name = "AlreadyExistsError";
  readonly type: string;
  declare readonly id: unknown;

  constructor(type: string, id: unknown) {
    super(`Already have a(n) '${type}' with that id`, { code: "DATABANK_ALREADY_EXISTS" });
    this.type = type;
    hide(this, { id });
  }
}

/** The array has no item at that index. Code `DATABANK_NO_SUCH_ITEM`. */
export class NoSuchItemError extends DatabankError {
  override readonly name = "NoSuchItemError";
  readonly type: string;
  declare readonly id: unknown;
  declare readonly item: unknown;

  constructor(type: string, id: unknown, item: unknown) {
    super(`No such item in the '${type}' with that id`, { code: "DATABANK_NO_SUCH_ITEM" });
    this.type = type;
    hide(this, { id, item });
  }
}

/** The value is not of the kind that the method works on. Code `DATABANK_WRONG_TYPE`. */
export class WrongTypeError extends DatabankError {
  override readonly name = "WrongTypeError";
  readonly type: string;
  readonly expected: string;
  declare readonly id: unknown;

  constructor(type: string, id: unknown, expected: string) {
    super(`The '${type}' with that id should be a(n) ${expected}`, { code: "DATABANK_WRONG_TYPE" });
    this.type = type;
    this.expected = expected;
    hide(this, { id });
  }
}

/** The driver's database cannot do this. Code `DATABANK_NOT_IMPLEMENTED`. */
export class NotImplementedError extends DatabankError {
  override readonly name = "NotImplementedError";

  constructor(message = "Method not yet implemented") {
    super(message, { code: "DATABANK_NOT_IMPLEMENTED" });
  }
}

/** A call before `connect` or after `disconnect`. Code `DATABANK_NOT_CONNECTED`. */
export class NotConnectedError extends DatabankError {
  override readonly name = "NotConnectedError";

  constructor() {
    super("Not connected: call connect() first", { code: "DATABANK_NOT_CONNECTED" });
  }
}

/** A second `connect`. Code `DATABANK_ALREADY_CONNECTED`. */
export class AlreadyConnectedError extends DatabankError {
  override readonly name = "AlreadyConnectedError";

  constructor() {
    super("Already connected: call disconnect() first", { code: "DATABANK_ALREADY_CONNECTED" });
  }
}

/** A `DATABANK_TIMEOUT` after so many milliseconds. */
export function timedOut(timeoutMs: number): DatabankError {
  return new DatabankError(
    `The database did not answer within ${timeoutMs} ms; what was asked may still happen`,
    { code: "DATABANK_TIMEOUT" },
  );
}

const ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "no server listens there; start it, or correct host and port",
  ENOTFOUND: "there is no host of that name; correct it",
  EACCES: "the user of this process may not read or write there; change the owner or the path",
};

/** Turns whatever a client package threw into an error with a code; the original is its cause. */
export function toDatabankError(driver: string, cause: unknown): DatabankError {
  if (cause instanceof DatabankError) return cause;
  const code = codeIn(cause);
  const found = code === undefined ? "failed" : `failed (${code})`;
  const advice = (code && ADVICE[code]) ?? "see the cause of this error";
  return new DatabankError(`The ${driver} databank ${found}; ${advice}`, { cause });
}

/** What a system, a client or a database calls an error. Its message may hold what is secret. */
function codeIn(error: unknown): string | undefined {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === "string" && /^[A-Z0-9_]{1,64}$/.test(code) ? code : undefined;
}
