import type { Databank } from "../databank/databank.js";
import { type Entry, isLive } from "../databank/entry.js";
import { toJson } from "../databank/json.js";
import { nextVersion } from "../databank/version.js";
import { momentOf } from "./cookie.js";
import { capped } from "./deadline.js";
import type { ResolvedOptions } from "./options.js";

/**
 * Gives sessions that were stored under other options the deadline that these options allow:
 * `ttlMs` from now where they had none, and `absoluteTimeoutMs` at most. Ones that are too old are
 * deleted. A session that is saved at the same time is left to its request.
 *
 * @param isOver - Whether to leave the rest to another time.
 * @returns How many were deleted.
 */
export async function settleDeadlines(
  bank: Databank,
  options: ResolvedOptions,
  isOver: () => boolean,
): Promise<number> {
  const { type } = options;
  let deleted = 0;
  for await (const entry of bank.scan(type)) {
    if (isOver()) break;
    const own = entry.expiresAt ?? cookieDeadlineOf(entry.value);
    const expiresAt = allowed(own, entry, options);
    if (expiresAt === own) continue;
    const { id, version, createdAt, value } = entry;
    if (isLive(expiresAt, Date.now())) {
      const write = { id, json: toJson(value), version: nextVersion(version), createdAt };
      await bank.collector.write(type, { ...write, expiresAt, if: version });
    } else if (await bank.collector.del(type, { id, if: version })) {
      deleted += 1;
    }
  }
  return deleted;
}

function allowed(
  own: number | null,
  { createdAt }: Pick<Entry, "createdAt">,
  { ttlMs, absoluteTimeoutMs }: ResolvedOptions,
): number | null {
  const wanted = own ?? (ttlMs === undefined ? null : Date.now() + ttlMs);
  return capped(wanted, createdAt, absoluteTimeoutMs);
}

/** Entries of version 1 have their deadline in the cookie. */
function cookieDeadlineOf(value: unknown): number | null {
  return momentOf(Object(Object(value).cookie).expires);
}
