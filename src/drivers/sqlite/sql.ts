import { identifier } from "./text.js";

const KEY = "type = ? AND id = ?";
const LIVE = "(expires_at IS NULL OR expires_at > ?)";
const FOUND = "version, created_at, expires_at, value";
const COLUMNS = `id, ${FOUND}`;
// A given deadline of null is not greater than anything, and so it is what stays.
const LATER = "CASE WHEN expires_at IS NULL OR expires_at > ? THEN expires_at ELSE ? END";

/** The statements of the driver on one table. */
export type Sql = ReturnType<typeof sqlOf>;

/**
 * The statements of the driver on one table. Parameters are in the order of their question
 * marks, because better-sqlite3 does not know numbered ones.
 */
export function sqlOf(tableName: string) {
  const table = identifier(tableName);
  const insert = `INSERT INTO ${table} AS t
    (type, id, version, created_at, expires_at, cleanup_at, value) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (type, id) DO UPDATE SET version = excluded.version,
    created_at = excluded.created_at, value = excluded.value`;
  const outright = "expires_at = excluded.expires_at, cleanup_at = excluded.cleanup_at";
  const update = `UPDATE ${table} SET version = ?, created_at = ?, value = ?`;
  const due = `rowid IN (SELECT rowid FROM ${table}
    WHERE type = ? AND cleanup_at <= ? ORDER BY cleanup_at LIMIT ?)`;
  return {
    read: `SELECT ${FOUND} FROM ${table} WHERE ${KEY} AND ${LIVE}`,
    readUnknown: `SELECT version, created_at, expires_at,
      CASE WHEN version = ? THEN NULL ELSE value END AS value
      FROM ${table} WHERE ${KEY} AND ${LIVE}`,

    create: `${insert}, ${outright} WHERE t.expires_at <= ?`,
    save: `${insert}, ${outright}`,
    // Leaving cleanup_at as it is, like a touch, spares the index.
    saveExtend: `${insert}, expires_at = CASE
      WHEN t.expires_at IS NULL OR t.expires_at > excluded.expires_at THEN t.expires_at
      ELSE excluded.expires_at END`,
    update: `${update}, expires_at = ?, cleanup_at = ? WHERE ${KEY} AND ${LIVE}`,
    updateExtend: `${update}, expires_at = ${LATER} WHERE ${KEY} AND ${LIVE}`,
    updateVersion: `${update}, expires_at = ?, cleanup_at = ?
      WHERE ${KEY} AND ${LIVE} AND version = ?`,
    updateVersionExtend: `${update}, expires_at = ${LATER}
      WHERE ${KEY} AND ${LIVE} AND version = ?`,

    touch: `UPDATE ${table} SET expires_at = ${LATER} WHERE ${KEY} AND ${LIVE}`,
    del: `DELETE FROM ${table} WHERE ${KEY} AND ${LIVE}`,
    delVersion: `DELETE FROM ${table} WHERE ${KEY} AND ${LIVE} AND version = ?`,
    drop: `DELETE FROM ${table} WHERE ${KEY}`,

    scan: `SELECT ${COLUMNS} FROM ${table} WHERE type = ? AND id > ? ORDER BY id LIMIT ?`,
    count: `SELECT count(*) AS seen, count(*) FILTER (WHERE ${LIVE}) AS live, max(id) AS last
      FROM (SELECT id, expires_at FROM ${table} WHERE type = ? AND id > ? ORDER BY id LIMIT ?)`,
    clear: `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE type = ? LIMIT ?)`,
    deleteDue: `DELETE FROM ${table} WHERE ${due} AND expires_at <= ?`,
    putOffDue: `UPDATE ${table} SET cleanup_at = expires_at WHERE ${due} AND ${LIVE}`,

    /** The type stands in the statement, because only then SQLite knows that its index will do. */
    search: (type: string, conditions: string) =>
      `SELECT ${COLUMNS} FROM ${table} WHERE type = ${type}${conditions} AND id > ?
      ORDER BY id LIMIT ?`,
  };
}
