-- undo_elsewhere
-- Whether an asset of this batch that is not to stay as it is lies outside all of :areas, those that the actor looks after.
SELECT EXISTS (
  SELECT FROM undoing JOIN asset USING (id)
  WHERE undoing.why IS NULL AND undoing.id > :after AND undoing.id <= :last
    AND NOT EXISTS (SELECT FROM asset_area WHERE asset_id = asset.id AND area_id = ANY (CAST(:areas AS bigint[])))
)
