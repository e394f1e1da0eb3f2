-- areas_move
-- What stood for an area that has ended stands for the new one of the same code, else for the new one around its middle.
UPDATE asset SET area_id = moves.area_id, version = asset.version + moves.other,
  updated_at = CASE WHEN moves.other = 1 THEN now() ELSE asset.updated_at END
FROM (
  SELECT asset.id, target.id AS area_id, CASE WHEN target.code = old.code THEN 0 ELSE 1 END AS other
  FROM asset JOIN area AS old ON old.id = asset.area_id AND old.ended_at IS NOT NULL AND old.level = :level
  CROSS JOIN LATERAL (
    SELECT fresh.id, fresh.code FROM area AS fresh
    WHERE fresh.set_id = :set_id AND fresh.ended_at IS NULL
      AND (fresh.code = old.code OR ST_Covers(fresh.geom, ST_PointOnSurface(old.geom)))
    ORDER BY fresh.code = old.code DESC, fresh.code COLLATE "C" LIMIT 1
  ) AS target
) AS moves
WHERE asset.id = moves.id
RETURNING asset.id
