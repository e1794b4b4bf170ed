import type { Driver } from "../../databank/driver.js";
import { isDriver } from "../../databank/driver-source.js";
import { checkNames, duration, invalidOption, wholeNumber } from "../../databank/options.js";

/** What is cached in front of what. */
export interface TieredOptions {
  /** A driver, such as `redisDriver({ url })`, or the URL of a databank. */
  readonly store: Driver | string;
  /**
   * The most entries in the cache, from 1.
   * @default 10000
   */
  readonly maxEntries?: number;
  /**
   * About how many bytes of memory the cache may take, from 1.
   * @default 67108864, which is 64 MiB
   */
  readonly maxBytes?: number;
  /**
   * For how many milliseconds a read may be answered without asking the store. What this process
   * has changed is never answered as it was before; what another process has changed may be, for
   * so long. With 0 the store is asked for every read, but need not send a value that is cached.
   * @default 0
   */
  readonly maxStalenessMs?: number;
}

/**
 * Options, checked and complete.
 *
 * @throws DatabankError `DATABANK_INVALID_OPTION`.
 */
export function resolveOptions(options: TieredOptions): Required<TieredOptions> {
  checkNames("The tiered driver", options, ["store", "maxEntries", "maxBytes", "maxStalenessMs"]);
  const { store, maxEntries = 10_000, maxBytes = 64 * 2 ** 20, maxStalenessMs = 0 } = options;
  if (typeof store !== "string" && !isDriver(store)) {
    throw invalidOption(
      'store must be a driver, such as sqliteDriver({ url }), or the URL of a databank, such as "sqlite:./sessions.db"',
    );
  }
  return {
    store,
    maxEntries: wholeNumber("maxEntries", maxEntries, 1),
    maxBytes: wholeNumber("maxBytes", maxBytes, 1),
    maxStalenessMs: duration("maxStalenessMs", maxStalenessMs),
  };
}
