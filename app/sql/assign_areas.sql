-- assign_areas
-- Which area of each boundary set the anchor of an asset lies in; on a shared edge the lowest code. Writes only what differs.
WITH wanted AS MATERIALIZED (
  SELECT DISTINCT ON (asset.id, area.set_id) asset.id AS asset_id, area.id AS area_id
  FROM asset JOIN area ON ST_Covers(area.geom, asset.anchor)
  WHERE asset.id BETWEEN :first AND :last
  ORDER BY asset.id, area.set_id, area.code COLLATE "C"
),
gone AS (
  DELETE FROM asset_area AS held
  WHERE held.asset_id BETWEEN :first AND :last AND NOT EXISTS (
    SELECT FROM wanted WHERE wanted.asset_id = held.asset_id AND wanted.area_id = held.area_id
  )
)
INSERT INTO asset_area (asset_id, area_id) SELECT asset_id, area_id FROM wanted ON CONFLICT DO NOTHING
