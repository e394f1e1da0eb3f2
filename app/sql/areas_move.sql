-- areas_move
-- What stood for an area that has ended stands for the new one of the same code, else for the new one around its middle.
WITH old AS MATERIALIZED (
  SELECT asset.id AS asset_id, area.code, ST_PointOnSurface(area.geom) AS middle
  FROM asset JOIN area ON area.id = asset.area_id
  WHERE asset.area_id IS NOT NULL AND area.ended_at IS NOT NULL AND area.level = :level
),
moves AS (
  SELECT old.asset_id, target.id AS area_id, CASE WHEN target.code = old.code THEN 0 ELSE 1 END AS other
  FROM old CROSS JOIN LATERAL (
    SELECT fresh.id, fresh.code FROM (
      -- OFFSET 0: two indexes find them; the planner does not know yet how many areas the new set has.
      SELECT id, code, set_id, ended_at FROM area WHERE area.code = old.code
      UNION ALL
      SELECT id, code, set_id, ended_at FROM area WHERE ST_Covers(area.geom, old.middle)
      OFFSET 0
    ) AS fresh
    WHERE fresh.set_id = :set_id AND fresh.ended_at IS NULL
    ORDER BY fresh.code = old.code DESC, fresh.code COLLATE "C" LIMIT 1
  ) AS target
)
UPDATE asset SET area_id = moves.area_id, version = asset.version + moves.other,
  updated_at = CASE WHEN moves.other = 1 THEN now() ELSE asset.updated_at END
FROM moves WHERE asset.id = moves.asset_id
RETURNING asset.id
