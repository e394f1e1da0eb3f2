-- import_keep
-- Keep what was noted with its import. With a source, rows without a place wait for a person from now on.
INSERT INTO import_row (
  run_id, line, fate, title, reason, asset_uid, geom, before, after, source_id, fingerprint, digest, waits)
SELECT :import_id, line, fate, title, reason, asset_uid, geom, before, after,
  CASE WHEN fate = 'unplaced' THEN CAST(:source_id AS bigint) END, fingerprint, digest,
  fate = 'unplaced' AND CAST(:source_id AS bigint) IS NOT NULL
FROM import_noted ORDER BY line, fate
ON CONFLICT (source_id, fingerprint) WHERE waits DO NOTHING
