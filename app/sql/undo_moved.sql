-- undo_moved
-- The areas of assets that went back to where they were, by the rule of geo/areas.py, and their ward.
WITH wanted AS MATERIALIZED (
  SELECT DISTINCT ON (asset.id, area.set_id) asset.id AS asset_id, area.id AS area_id, area.code,
    area.level = 'ward' AND area.ended_at IS NULL AS ward
  FROM asset JOIN area ON ST_Covers(area.geom, asset.anchor) WHERE asset.id = ANY (CAST(:ids AS bigint[]))
  ORDER BY asset.id, area.set_id, area.code COLLATE "C"
),
gone AS (
  DELETE FROM asset_area AS held WHERE held.asset_id = ANY (CAST(:ids AS bigint[])) AND NOT EXISTS (
    SELECT FROM wanted WHERE wanted.asset_id = held.asset_id AND wanted.area_id = held.area_id)
),
entered AS (
  INSERT INTO asset_area (asset_id, area_id) SELECT asset_id, area_id FROM wanted ON CONFLICT DO NOTHING
)
UPDATE asset SET ward = found.code
FROM (
  SELECT one.id, (SELECT min(code COLLATE "C") FROM wanted WHERE wanted.asset_id = one.id AND wanted.ward) AS code
  FROM asset AS one WHERE one.id = ANY (CAST(:ids AS bigint[]))
) AS found
WHERE asset.id = found.id AND asset.ward IS DISTINCT FROM found.code
