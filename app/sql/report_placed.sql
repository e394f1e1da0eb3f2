-- report_placed
-- Where each of `visible` counts in a report (ids of assets with their stage, put before this by app/reports/counting.py):
-- `place` is the area of the row it lies in, -1 area-wide, 0 in none of them. Limited to the areas :scope, where some are given.
WITH whole AS (
  -- An asset that stands for an area counts in the row of that area, or of the one around it; not in smaller ones.
  SELECT DISTINCT ON (own.id) own.id AS area_id, row_area.id AS place
  FROM area AS own JOIN area AS row_area ON row_area.id = ANY (CAST(:areas AS bigint[])) AND (
    row_area.id = own.id
    OR row_area.level = own.level AND row_area.code = own.code
    OR array_position(CAST(:levels AS text[]), own.level::text) < array_position(CAST(:levels AS text[]), row_area.level::text)
      AND ST_Covers(row_area.geom, ST_PointOnSurface(own.geom)))
  WHERE own.id IN (SELECT area_id FROM asset WHERE area_id IS NOT NULL)
  ORDER BY own.id, row_area.id = own.id DESC, row_area.code COLLATE "C"
),
within AS (
  -- The areas that an asset may stand for and be within the scope.
  SELECT own.id AS area_id FROM area AS own
  WHERE own.id IN (SELECT area_id FROM asset WHERE area_id IS NOT NULL) AND EXISTS (
    SELECT FROM area AS around WHERE around.id = ANY (CAST(:scope AS bigint[])) AND (
      around.id = own.id
      OR ST_Covers(around.geom, ST_PointOnSurface(own.geom))
        AND array_position(CAST(:levels AS text[]), own.level::text)
          < array_position(CAST(:levels AS text[]), around.level::text)))
),
scoped AS MATERIALIZED (
  SELECT asset_id AS id FROM asset_area
  WHERE area_id = ANY (CAST(:scope AS bigint[])) OR CAST(:scope AS bigint[]) IS NOT NULL AND area_id = ANY (CAST(:areas AS bigint[]))
  UNION
  SELECT asset.id FROM asset JOIN within ON within.area_id = asset.area_id
)
SELECT visible.id, visible.stage, coalesce((
    SELECT area.id FROM asset_area JOIN area ON area.id = asset_area.area_id
    WHERE asset_area.asset_id = asset.id AND area.id = ANY (CAST(:areas AS bigint[]))
    ORDER BY area.code COLLATE "C" LIMIT 1
  ), whole.place, CASE WHEN asset.area_id IS NULL THEN 0 ELSE -1 END) AS place
FROM visible JOIN asset ON asset.id = visible.id
LEFT JOIN whole ON whole.area_id = asset.area_id
WHERE CAST(:scope AS bigint[]) IS NULL OR asset.id IN (SELECT id FROM scoped)
