import type { Collector } from "../databank/collector.js";
import type { StoredEntry, Write } from "../databank/driver.js";
import { newLife } from "../databank/version.js";
import { momentOf } from "./cookie.js";
import { cookieIn, fieldsOf, textOf } from "./session-text.js";

/**
 * Moves a session that is stored under its plain id to its hashed one.
 *
 * The plain entry is deleted last and only as it was read. If that fails, because the session was
 * changed or destroyed meanwhile, the new entry is taken back: a logout must not be undone.
 */
export async function adoptClassicEntry(
  collector: Collector,
  type: string,
  sid: string,
  id: string,
): Promise<StoredEntry | null> {
  const classic = await collector.read(type, { id: sid });
  if (classic?.json === undefined) return null;
  const fields = fieldsOf(classic.json);
  fields.delete("sid");
  const entry: StoredEntry = {
    id,
    json: textOf(fields),
    version: newLife(),
    createdAt: classic.createdAt,
    expiresAt: classic.expiresAt ?? momentOf(cookieIn(classic.json).expires),
  };
  const write: Write = { ...entry, if: "absent" };
  const result = await collector.write(type, write);
  if (result !== "done") return result.conflict;
  if (await collector.del(type, { id: sid, if: classic.version })) return entry;
  await collector.del(type, { id, if: entry.version });
  const current = await collector.read(type, { id });
  return current?.json === undefined ? null : current;
}
