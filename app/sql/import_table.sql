-- import_table
-- The waiting room of an import: one batch of rows on their way to the table asset. Filled by COPY, gone at the commit.
CREATE TEMPORARY TABLE incoming (
  line bigint NOT NULL,
  fingerprint bytea NOT NULL,
  digest bytea,  -- null: the fingerprint is that of all that the row says
  title text NOT NULL,
  summary text NOT NULL,
  body text NOT NULL,
  organiser text NOT NULL,
  website text,
  details jsonb NOT NULL,
  raw geometry,
  postcode text,
  unplaced text
) ON COMMIT DROP
