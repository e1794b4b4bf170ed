-- The table of connect-databank's driver for Postgres, as the driver makes it where it is missing:
-- psql "$DATABASE_URL" -f node_modules/connect-databank/src/drivers/postgres/table.sql
-- For another name, and for the indexes of a schema, print the text that postgresTableSql() returns.
-- The application's role needs: GRANT SELECT, INSERT, UPDATE, DELETE ON "databank" TO app;

CREATE TABLE IF NOT EXISTS "databank" (
  type text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  full_id text,
  version text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  cleanup_at timestamptz,
  value json NOT NULL,
  PRIMARY KEY (type, id)
) WITH (fillfactor = 70);

CREATE INDEX IF NOT EXISTS "databank_cleanup"
  ON "databank" (type, cleanup_at) WHERE cleanup_at IS NOT NULL;
