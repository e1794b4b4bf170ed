/**
 * The server's clock in epoch milliseconds. `UNIX_TIMESTAMP()` has whole seconds only, and of a
 * moment it goes by the time zone of the connection, which has an hour twice in autumn.
 */
export const NOW = "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000)";

const LIVE = `(expires_at IS NULL OR expires_at > ${NOW})`;
const REMAINING = `expires_at - ${NOW}`;
// Null, which means never, is what each of these makes of a null.
const DEADLINE = (remaining: string) => `${NOW} + CAST(${remaining} AS SIGNED)`;
const LATER = (remaining: string) => `GREATEST(expires_at, ${DEADLINE(remaining)})`;

const COLUMNS = "type, id, long_id, version, created_at, expires_at, cleanup_at, value";
const ROW = `(?, ?, ?, ?, ?, ${DEADLINE("?")}, ${DEADLINE("?")}, ?)`;

/** How many members the statements for a batch have; a smaller batch is filled up. */
const SIZES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128];

/** The most members of a batch. */
export const MAX_BATCH = 128;

/**
 * How many members the statement for so many has. Servers keep each statement that was prepared,
 * and there are limits to that, so there is not one for every number.
 */
export function sizeFor(length: number): number {
  return SIZES.find((size) => size >= length) ?? length;
}

/** The statements of the driver on one table. Those for batches are made for each size. */
export type Statements = ReturnType<typeof statementsOf>;

/** @param table - As it stands in SQL. */
export function statementsOf(table: string) {
  const key = "type = ? AND id = ?";
  const keys = (size: number) => `type = ? AND id IN (${marks(size)})`;
  const entry = `id, version, created_at, ${REMAINING}`;

  const update = (size: number, expiry: (remaining: string) => string) =>
    `UPDATE ${table} SET version = ${own(size)}, created_at = ${own(size)}, value = ${own(size)},
      ${expiry(own(size))} WHERE ${keys(size)} AND ${LIVE}
      AND version = COALESCE(${own(size)}, version)`;
  // MySQL calls VALUES() deprecated; what it has instead, an alias of the row, MariaDB does not know.
  const save = (size: number, expiry: string) =>
    `INSERT INTO ${table} (${COLUMNS}) VALUES ${rowsOf(size)} ON DUPLICATE KEY UPDATE
      version = VALUES(version), created_at = VALUES(created_at), value = VALUES(value), ${expiry}`;

  return {
    read: bySize((size) => `SELECT ${entry}, value FROM ${table} WHERE ${keys(size)}`),
    readUnknown: bySize(
      (size) => `SELECT ${entry}, CASE WHEN version = ${own(size)} THEN NULL ELSE value END
        FROM ${table} WHERE ${keys(size)}`,
    ),
    /** What is there, without the values. */
    look: bySize((size) => `SELECT ${entry}, NULL FROM ${table} WHERE ${keys(size)}`),
    lock: bySize(
      (size) => `SELECT ${entry}, NULL FROM ${table} WHERE ${keys(size)} ORDER BY id FOR UPDATE`,
    ),

    /** IGNORE is for ids that are there, and nothing else can be wrong with what is inserted. */
    create: bySize((size) => `INSERT IGNORE INTO ${table} (${COLUMNS}) VALUES ${rowsOf(size)}`),
    takeOver: `UPDATE ${table} SET version = ?, created_at = ?, value = ?,
      expires_at = ${DEADLINE("?")}, cleanup_at = ${DEADLINE("?")}
      WHERE ${key} AND expires_at <= ${NOW}`,
    save: bySize((size) =>
      save(size, "expires_at = VALUES(expires_at), cleanup_at = VALUES(cleanup_at)"),
    ),
    // Leaving cleanup_at as it is, like a touch, spares the index.
    saveExtend: bySize((size) =>
      save(size, "expires_at = GREATEST(expires_at, VALUES(expires_at))"),
    ),
    update: bySize((size) =>
      update(
        size,
        (remaining) => `expires_at = ${DEADLINE(remaining)}, cleanup_at = ${DEADLINE(remaining)}`,
      ),
    ),
    updateExtend: bySize((size) => update(size, (remaining) => `expires_at = ${LATER(remaining)}`)),

    touch: bySize(
      (size) =>
        `UPDATE ${table} SET expires_at = ${LATER(own(size))} WHERE ${keys(size)} AND ${LIVE}`,
    ),
    del: `DELETE FROM ${table} WHERE ${key} AND ${LIVE} AND version = COALESCE(?, version)`,
    drop: bySize((size) => `DELETE FROM ${table} WHERE ${keys(size)}`),
    dropExpired: `DELETE FROM ${table} WHERE ${key} AND expires_at <= ${NOW}`,

    scan: (limit: number) => `SELECT ${entry}, value, long_id FROM ${table}
      WHERE type = ? AND id > ? ORDER BY id LIMIT ${limit}`,
    count: (limit: number) => `SELECT COUNT(*), COALESCE(SUM(${LIVE}), 0), MAX(id)
      FROM (SELECT id, expires_at FROM ${table}
        WHERE type = ? AND id > ? ORDER BY id LIMIT ${limit}) AS page`,
    clear: (limit: number) => `DELETE FROM ${table} WHERE type = ? ORDER BY id LIMIT ${limit}`,
    due: (limit: number) => `SELECT id, expires_at <= ${NOW} FROM ${table}
      WHERE type = ? AND cleanup_at <= ${NOW} ORDER BY cleanup_at LIMIT ${limit}`,
    deleteDue: bySize(
      (size) => `DELETE FROM ${table} WHERE ${keys(size)} AND expires_at <= ${NOW}`,
    ),
    putOffDue: bySize(
      (size) => `UPDATE ${table} SET cleanup_at = expires_at WHERE ${keys(size)} AND ${LIVE}`,
    ),

    /** Each condition has an index of its own, which the order and the limit would distract from. */
    search: (index: string, condition: string, limit: number) =>
      `(SELECT ${entry}, value, long_id FROM ${table} FORCE INDEX (${index})
        WHERE type = ? AND ${condition} AND id > ? ORDER BY id LIMIT ${limit})`,
  };
}

/** For each of some rows a value of its own, by its place among the ids. */
function own(size: number): string {
  if (size === 1) return "?";
  return `ELT(FIELD(id, ${marks(size)}), ${marks(size)})`;
}

function marks(size: number): string {
  return Array(size).fill("?").join(", ");
}

function rowsOf(size: number): string {
  return Array(size).fill(ROW).join(", ");
}

function bySize(make: (size: number) => string): (size: number) => string {
  const made = new Map<number, string>();
  return (size) => {
    let sql = made.get(size);
    if (sql === undefined) {
      sql = make(size);
      made.set(size, sql);
    }
    return sql;
  };
}
