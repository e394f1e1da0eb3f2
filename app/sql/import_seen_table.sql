-- import_seen_table
-- Which assets of the former releases, and which rows that wait for a place (waits), this release has again.
CREATE TEMPORARY TABLE import_seen (id bigint NOT NULL, waits boolean NOT NULL, PRIMARY KEY (id, waits)) ON COMMIT DROP
