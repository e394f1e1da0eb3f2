-- import_hold
-- Lock the assets that are about to be updated; what somebody has changed since they were looked at is a conflict after all.
UPDATE incoming_place AS place SET fate = 'conflict'
FROM (
  SELECT asset.id, asset.version, asset.imported_version
  FROM asset JOIN incoming_place AS one ON one.asset_id = asset.id AND one.fate = 'updated'
  ORDER BY asset.id FOR UPDATE OF asset
) AS held
WHERE place.asset_id = held.id AND place.fate = 'updated' AND held.version <> coalesce(held.imported_version, 1)
