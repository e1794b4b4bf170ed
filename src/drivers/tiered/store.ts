import type { Capabilities, Driver, Page, Schema } from "../../databank/driver.js";
import { sourceToOpen } from "../../databank/driver-source.js";
import { caches, forgetting } from "./in-process.js";

/** What is promised until the driver of the store has been loaded. */
export const UNKNOWN: Capabilities = {
  conditionalWrites: "best-effort",
  clock: "process",
  expiryGranularityMs: 1000,
  nativeExpiry: false,
  touch: "rewrite",
  scan: false,
  search: false,
  durable: false,
  shared: false,
  maxValueBytes: null,
};

/** How to come by the driver of the store. */
export function loaderOf(store: Driver | string): (schema: Schema) => Promise<Driver> {
  if (typeof store !== "string") return async () => store;
  const source = sourceToOpen(store, {});
  return async (schema) => source.load({ schema });
}

const OPTIONAL = ["scan", "search", "count", "clear", "deleteExpired"] as const;

/** Gives a driver what the driver of the store has of what a driver need not have. */
export function adopt(driver: Driver, inner: Driver): void {
  const { scan, search, count, clear, deleteExpired, retry, calling } = inner;
  for (const name of OPTIONAL) delete driver[name];
  Object.assign(driver, {
    ...(scan && { scan: scan.bind(inner) }),
    ...(search && { search: search.bind(inner) }),
    ...(count && { count: count.bind(inner) }),
    ...(clear && {
      clear: (type: string, page: Page) => forgetting(caches, () => clear.call(inner, type, page)),
    }),
    ...(deleteExpired && { deleteExpired: deleteExpired.bind(inner) }),
    ...(retry && { retry: retry.bind(inner) }),
    ...(calling && { calling }),
  } satisfies Partial<Driver>);
}
