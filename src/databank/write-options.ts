import { toDeadline } from "./address.js";
import type { Entry } from "./entry.js";
import type { Value } from "./json.js";
import { checkNames, invalidOption } from "./options.js";

/** What `create`, `update` and `save` may be told besides the value. */
export interface SaveOptions {
  /**
   * When the entry ends: epoch milliseconds or a `Date`; `null` means never.
   * @default null
   */
  readonly expiresAt?: Date | number | null;
}

/** What `write` may be told besides the value. */
export interface WriteOptions extends SaveOptions {
  /**
   * Write only if nothing is there (`"absent"`), if something is (`"present"`), or if what is
   * there has this version.
   * @default write in any case
   */
  readonly if?: "absent" | "present" | (string & {});
  /**
   * Keep the later of the stored deadline and this one.
   * @default false
   */
  readonly extend?: boolean;
  /**
   * When the entry came to be, in epoch milliseconds. Who writes on a version, and passes this
   * from the entry that it was read with, saves a round trip.
   * @default that of the entry whose version is given, else the present
   */
  readonly createdAt?: number;
}

/** What `modify` may be told besides the change. */
export interface ModifyOptions extends SaveOptions {
  /**
   * When the entry ends: epoch milliseconds or a `Date`; `null` means never.
   * @default the deadline that it has; never for one that is created
   */
  readonly expiresAt?: Date | number | null;
  /**
   * Keep the later of the stored deadline and this one.
   * @default false
   */
  readonly extend?: boolean;
}

/** What `del` may be told. */
export interface DeleteOptions {
  /** Delete only what has this version. */
  readonly if: string;
}

/** Whether a conditional write was carried out, and if not, what stood in its way. */
export type WriteOutcome<T = Value> =
  | { readonly written: true; readonly version: string }
  | { readonly written: false; readonly current: Entry<T> | null };

/** The deadline among options, checked. */
export function deadlineIn(options: SaveOptions | undefined): number | null {
  if (options === undefined) return null;
  checkNames("create, update and save", options, ["expiresAt"]);
  return toDeadline(options.expiresAt ?? null);
}

/** @throws DatabankError `DATABANK_INVALID_OPTION`. */
export function checkWriteOptions(options: WriteOptions): void {
  checkNames("write", options, ["if", "expiresAt", "extend", "createdAt"]);
  if (options.if !== undefined) checkCondition(options.if);
  const { createdAt } = options;
  if (createdAt !== undefined && !Number.isSafeInteger(createdAt)) {
    throw invalidOption("createdAt must be whole epoch milliseconds");
  }
}

/** @throws DatabankError `DATABANK_INVALID_OPTION`. */
export function checkDeleteOptions(options: DeleteOptions): void {
  checkNames("del", options, ["if"]);
  if (typeof options.if !== "string" || !isVersion(options.if)) {
    throw invalidOption("if must be the version of an entry");
  }
}

function checkCondition(condition: unknown): void {
  const isWord = condition === "absent" || condition === "present";
  if (isWord || (typeof condition === "string" && isVersion(condition))) return;
  throw invalidOption('if must be "absent", "present" or the version of an entry');
}

/** Whether a condition names a version. The two words have no full stop, and versions have. */
export function isVersion(condition: string): boolean {
  return condition.includes(".");
}
