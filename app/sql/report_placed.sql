-- report_placed
-- Where each of `visible` counts in a report (ids of assets with their stage, put before this by app/reports/counting.py):
-- `place` is the area of the row it lies in (of several the one with the lowest code: :areas are in their order), -1 area-wide,
-- 0 in none of them. With a scope, of what is inside `scoped` alone.
WITH row_area AS MATERIALIZED (
  SELECT area.id, area.level, area.code, area.geom, listed.nr
  FROM unnest(CAST(:areas AS bigint[])) WITH ORDINALITY AS listed (id, nr) JOIN area ON area.id = listed.id
),
inside AS (
  SELECT asset_area.asset_id, min(row_area.nr) AS nr
  FROM visible JOIN asset_area ON asset_area.asset_id = visible.id JOIN row_area ON row_area.id = asset_area.area_id
  GROUP BY asset_area.asset_id
),
whole AS (
  -- An asset that stands for an area counts in the row of that area, or of the one around it; not in smaller ones.
  SELECT DISTINCT ON (own.id) own.id AS area_id, row_area.id AS place
  FROM area AS own JOIN row_area ON (
    row_area.id = own.id
    OR row_area.level = own.level AND row_area.code = own.code
    OR array_position(CAST(:levels AS text[]), own.level::text) < array_position(CAST(:levels AS text[]), row_area.level::text)
      AND ST_Covers(row_area.geom, ST_PointOnSurface(own.geom)))
  WHERE own.id IN (SELECT area_id FROM asset WHERE area_id IS NOT NULL)
  ORDER BY own.id, row_area.id = own.id DESC, row_area.nr
)
SELECT visible.id, visible.stage,
  coalesce(row_area.id, whole.place, CASE WHEN asset.area_id IS NULL THEN 0 ELSE -1 END) AS place
FROM visible JOIN asset ON asset.id = visible.id
LEFT JOIN inside ON inside.asset_id = visible.id LEFT JOIN row_area ON row_area.nr = inside.nr
LEFT JOIN whole ON whole.area_id = asset.area_id
WHERE CAST(:scope AS bigint[]) IS NULL OR visible.id IN (SELECT id FROM scoped WHERE inside)
