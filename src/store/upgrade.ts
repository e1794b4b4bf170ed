import type { Collector } from "../databank/collector.js";
import type { StoredEntry, Write } from "../databank/driver.js";
import { isSameLife, newLife } from "../databank/version.js";
import { momentOf } from "./cookie.js";
import { Snapshot } from "./snapshot.js";

const MAX_ATTEMPTS = 3;

/** How long a new entry lives until the plain one is known to be gone. */
const TRIAL_MS = 60_000;

/**
 * Moves a session that is stored under its plain id to its hashed one.
 *
 * The plain entry is deleted only as it was read. If that fails, because the session was changed or
 * destroyed meanwhile, the new entry is taken back: a logout must not be undone. Nor may it be where
 * that cannot be done either, so the new entry has a short life until then.
 */
export async function adoptClassicEntry(
  collector: Collector,
  type: string,
  sid: string,
  id: string,
): Promise<StoredEntry | null> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const classic = await collector.read(type, { id: sid });
    if (classic?.json === undefined) return null;
    const entry = hashedForm(classic, id);
    const trialEnd = Date.now() + TRIAL_MS;
    const { expiresAt } = entry;
    const isShort = expiresAt !== null && expiresAt <= trialEnd;
    const write: Write = { ...entry, expiresAt: isShort ? expiresAt : trialEnd, if: "absent" };
    const result = await collector.write(type, write);
    if (result !== "done") return result.conflict;
    if (await isDeleted(collector, type, classic, entry)) {
      const isThere = isShort || (await collector.touch(type, { id, expiresAt }));
      return isThere ? entry : null;
    }
    const other = await takeBack(collector, type, entry);
    if (other) return other;
  }
  return null;
}

/** Deletes the plain entry, if it is as it was read. */
async function isDeleted(
  collector: Collector,
  type: string,
  { id, version }: StoredEntry,
  made: StoredEntry,
): Promise<boolean> {
  try {
    return await collector.del(type, { id, if: version });
  } catch (error) {
    // Whether it is gone, and by whom, cannot be told: rather no session than one that has ended.
    await takeBack(collector, type, made).catch(() => {});
    throw error;
  }
}

/**
 * Deletes a session under both of its ids. The plain one first: whoever moves the session has
 * stored it under the other one by then, or finds that the plain one is gone.
 *
 * @returns Whether it was there under one of them.
 */
export async function deleteBothForms(
  collector: Collector,
  type: string,
  sid: string,
  id: string,
): Promise<boolean> {
  const isPlain = await collector.del(type, { id: sid });
  const isHashed = await collector.del(type, { id });
  return isPlain || isHashed;
}

function hashedForm(classic: StoredEntry, id: string): StoredEntry {
  const stored = Snapshot.of(classic.json);
  const fields = stored.fields();
  fields.delete("sid");
  return {
    id,
    json: Snapshot.made(fields).json,
    version: newLife(),
    createdAt: classic.createdAt,
    expiresAt: classic.expiresAt ?? momentOf(stored.cookie.expires),
  };
}

/** Deletes an entry, and what others have made of it; resolves to one of another life, if any. */
async function takeBack(
  collector: Collector,
  type: string,
  { id, version }: StoredEntry,
): Promise<StoredEntry | null> {
  let current = version;
  while (!(await collector.del(type, { id, if: current }))) {
    const other = await collector.read(type, { id });
    if (other?.json === undefined) return null;
    if (!isSameLife(other.version, version)) return other;
    current = other.version;
  }
  return null;
}
