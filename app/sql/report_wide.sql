-- report_wide
-- The assets that stand for one of the areas :scope or for an area in them (`inside`), and those that stand for one around them.
-- None without a scope.
SELECT asset.id, around.inside
FROM asset JOIN area AS own ON own.id = asset.area_id JOIN LATERAL (
  SELECT bool_or(
    own.id = looked_at.id
    OR array_position(CAST(:levels AS text[]), own.level::text) < array_position(CAST(:levels AS text[]), looked_at.level::text)
      AND ST_Covers(looked_at.geom, ST_PointOnSurface(own.geom))) AS inside,
    bool_or(
    array_position(CAST(:levels AS text[]), own.level::text) > array_position(CAST(:levels AS text[]), looked_at.level::text)
      AND ST_Covers(own.geom, ST_PointOnSurface(looked_at.geom))) AS outside
  FROM area AS looked_at WHERE looked_at.id = ANY (CAST(:scope AS bigint[]))
) AS around ON around.inside OR around.outside
WHERE asset.area_id IS NOT NULL
