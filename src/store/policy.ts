import type { Databank } from "../databank/databank.js";
import type { Capabilities } from "../databank/driver.js";
import type { ResolvedOptions } from "./options.js";

/**
 * How firmly a promise is kept: in one step of the database whoever else writes; only among the
 * requests of one process; or not known, because nothing has been asked of the database yet.
 */
export type Guarantee = "atomic" | "best-effort" | "unknown";

/** What a store does in effect, and what its users may rely on, as data. */
export interface Policy {
  readonly driver: string;
  readonly type: string;
  readonly ids: ResolvedOptions["ids"];
  /** `null`: a session whose cookie says nothing never expires. */
  readonly ttlMs: number | null;
  /** `null`: no limit to the age of a session that is used. */
  readonly absoluteTimeoutMs: number | null;
  readonly touchIntervalMs: number;
  readonly cleanupIntervalMs: number;
  readonly maxBytes: number | null;
  readonly guarantees: {
    /** A session destroyed while another request is in flight never comes back. */
    readonly logoutMeansLogout: Guarantee;
    /** Parallel requests that change different keys of a session all keep their change. */
    readonly noLostWrites: Guarantee;
    /** Whether an acknowledged write survives the end of the process. */
    readonly durable: boolean | "unknown";
  };
  /** What the database does unaided; `null` until it was reached. */
  readonly capabilities: Capabilities | null;
}

/** The policy of a store with these options on this databank. */
export function policyOf(bank: Databank, options: ResolvedOptions): Policy {
  const capabilities = bank.capabilities ?? null;
  const conditional = capabilities?.conditionalWrites ?? "unknown";
  return {
    driver: bank.driverName,
    type: options.type,
    ids: options.ids,
    ttlMs: options.ttlMs ?? null,
    absoluteTimeoutMs: finiteOrNull(options.absoluteTimeoutMs),
    touchIntervalMs: options.touchIntervalMs,
    cleanupIntervalMs: options.cleanupIntervalMs,
    maxBytes: finiteOrNull(options.maxBytes),
    guarantees: {
      logoutMeansLogout: conditional,
      noLostWrites: conditional,
      durable: capabilities?.durable ?? "unknown",
    },
    capabilities,
  };
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
