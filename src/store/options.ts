import {
  checkFunction,
  checkNames,
  duration,
  invalidOption,
  text,
  wholeNumber,
} from "../databank/options.js";
import { isLogger, type Logger } from "./log.js";
import type { Resolve } from "./merge.js";
import type { IdForm } from "./session-id.js";

/** How a store treats its sessions. Durations are in milliseconds. */
export interface DatabankStoreOptions {
  /**
   * How long a session lives when its cookie does not say, from 1. Each save and touch starts it
   * anew.
   * @default none: such sessions never expire
   */
  readonly ttlMs?: number;

  /**
   * How long a session lives at most, however often it is used, from 1.
   * @default none
   */
  readonly absoluteTimeoutMs?: number;

  /**
   * Touches that would move the deadline by less than this are not sent to the database. With
   * 60_000, a session in use costs one touch a minute, and may end up to a minute early. A life of
   * less than twice that is extended when half of it is over.
   * @default 0
   */
  readonly touchIntervalMs?: number;

  /**
   * Mean pause between deletions of expired sessions; 0 turns them off. Each pause is 50 to 150 %
   * of it, so that servers started together drift apart, and one process at a time does it.
   * Databases that delete expired entries themselves are left alone.
   * @default 900_000 (15 minutes)
   */
  readonly cleanupIntervalMs?: number;

  /**
   * The type of the sessions in the databank.
   * @default "session"
   */
  readonly type?: string;

  /**
   * How session ids are stored. `hashed`: as SHA-256, so that who reads the database cannot sign
   * in. `classic`: as they are, with the id as `sid` in the value too, as version 1 did.
   * `upgrade`: hashed, and sessions stored in the classic way are found and rewritten.
   * @default "hashed"
   */
  readonly ids?: IdForm;

  /**
   * A secret that goes into the hash of session ids. Changing it logs everyone out.
   * @default none
   */
  readonly pepper?: string;

  /**
   * The longest session, in bytes of JSON, from 1; a longer one fails with
   * `DATABANK_VALUE_TOO_LARGE` before anything is sent.
   * @default Infinity
   */
  readonly maxBytes?: number;

  /**
   * Decides when two requests changed the same property of a session, in the same way or not. Not
   * asked when the other request deleted it: deletion wins.
   * @default the change that is saved later
   */
  readonly resolve?: Resolve;

  /**
   * Where to log: bunyan, pino, the console, or anything with their methods. No session id and no
   * session's content is ever logged.
   * @default none
   */
  readonly log?: Logger | null;
}

/** Options with their defaults filled in and checked. */
export interface ResolvedOptions {
  readonly ttlMs: number | undefined;
  readonly absoluteTimeoutMs: number;
  readonly touchIntervalMs: number;
  readonly cleanupIntervalMs: number;
  readonly type: string;
  readonly ids: IdForm;
  readonly pepper: string | undefined;
  readonly maxBytes: number;
  readonly resolve: Resolve | undefined;
  readonly log: Logger | undefined;
}

const NAMES: readonly (keyof DatabankStoreOptions)[] = [
  "ttlMs",
  "absoluteTimeoutMs",
  "touchIntervalMs",
  "cleanupIntervalMs",
  "type",
  "ids",
  "pepper",
  "maxBytes",
  "resolve",
  "log",
];

const ID_FORMS: readonly IdForm[] = ["hashed", "classic", "upgrade"];

/** @throws DatabankError `DATABANK_INVALID_OPTION` that says which and what to do. */
export function resolveOptions(options: DatabankStoreOptions): ResolvedOptions {
  checkNames("DatabankStore", options, NAMES);
  const { ids = "hashed", maxBytes = Number.POSITIVE_INFINITY, resolve, log } = options;
  check(ID_FORMS.includes(ids), `ids must be one of ${ID_FORMS.join(", ")}`);
  check(typeof maxBytes === "number" && maxBytes >= 1, "maxBytes must be a number from 1");
  if (resolve !== undefined) checkFunction("resolve", resolve);
  check(
    log === undefined || log === null || isLogger(log),
    "log must be a logger with the methods debug and error, such as console",
  );
  return {
    ttlMs: optional(options.ttlMs, (value) => wholeNumber("ttlMs", value, 1)),
    absoluteTimeoutMs:
      optional(options.absoluteTimeoutMs, (value) => wholeNumber("absoluteTimeoutMs", value, 1)) ??
      Number.POSITIVE_INFINITY,
    touchIntervalMs: wholeNumber("touchIntervalMs", options.touchIntervalMs ?? 0),
    cleanupIntervalMs: duration("cleanupIntervalMs", options.cleanupIntervalMs ?? 900_000),
    type: text("type", options.type ?? "session"),
    ids,
    pepper: optional(options.pepper, (value) => text("pepper", value)),
    maxBytes,
    resolve,
    log: log ?? undefined,
  };
}

function optional<T>(value: unknown, checked: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : checked(value);
}

function check(holds: boolean, advice: string): void {
  if (!holds) throw invalidOption(advice);
}
