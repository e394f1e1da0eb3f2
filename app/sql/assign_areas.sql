-- assign_areas
-- Which area of each boundary set the anchor of an asset lies in; on a shared edge the lowest code. Writes only what differs.
-- As in import_place, areas are looked up once for all assets of a square of 1/16 degree.
WITH anchored AS MATERIALIZED (
  SELECT id, anchor, floor(ST_X(anchor) * 16) AS east, floor(ST_Y(anchor) * 16) AS north
  FROM asset WHERE id BETWEEN :first AND :last AND anchor IS NOT NULL
),
square AS MATERIALIZED (
  SELECT east, north,
    ST_MakeEnvelope(min(ST_X(anchor)), min(ST_Y(anchor)), max(ST_X(anchor)), max(ST_Y(anchor)), 4326) AS box
  FROM anchored GROUP BY east, north
),
near AS MATERIALIZED (
  SELECT east, north, area.id, area.set_id, area.code, area.geom FROM square JOIN area ON area.geom && square.box
),
wanted AS MATERIALIZED (
  SELECT DISTINCT ON (anchored.id, near.set_id) anchored.id AS asset_id, near.id AS area_id
  FROM near JOIN anchored USING (east, north)
  WHERE ST_Covers(near.geom, anchored.anchor)
  ORDER BY anchored.id, near.set_id, near.code COLLATE "C"
),
gone AS (
  DELETE FROM asset_area AS held
  WHERE held.asset_id BETWEEN :first AND :last AND NOT EXISTS (
    SELECT FROM wanted WHERE wanted.asset_id = held.asset_id AND wanted.area_id = held.area_id
  )
)
INSERT INTO asset_area (asset_id, area_id) SELECT asset_id, area_id FROM wanted ON CONFLICT DO NOTHING
