-- import_noted_table
-- Rows that somebody may want to see, while they are gathered: the columns of import_row.
CREATE TEMPORARY TABLE import_noted (
  line bigint,
  fate text NOT NULL,
  title text NOT NULL,
  reason text NOT NULL DEFAULT '',
  asset_uid uuid,
  geom geometry(Point, 4326),
  before jsonb,
  after jsonb,
  fingerprint bytea,
  digest bytea
) ON COMMIT DROP
