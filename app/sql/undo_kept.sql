-- undo_kept
-- Note the assets that stay because people have touched them since. Returns how many.
WITH kept AS (
  INSERT INTO import_row (run_id, fate, title, reason, asset_uid, geom)
  SELECT :import_id, 'kept', asset.title, undoing.why, asset.uid, asset.anchor
  FROM undoing JOIN asset USING (id) WHERE undoing.why IS NOT NULL ORDER BY asset.id
  RETURNING id
)
SELECT count(*) FROM kept
