-- undo_created
-- Remove the assets that the import made and nobody has touched. Returns how many.
WITH gone AS (
  DELETE FROM asset USING undoing
  WHERE asset.id = undoing.id AND undoing.before IS NULL AND undoing.why IS NULL
    AND undoing.id > :after AND undoing.id <= :last
  RETURNING asset.id
)
SELECT count(*) FROM gone
