-- areas_officers
-- Who was an officer of an area that has ended is one of the new area of the same code, else of the new one around its middle.
INSERT INTO officer_area (person_id, area_id)
SELECT held.person_id, target.id
FROM officer_area AS held JOIN area AS old ON old.id = held.area_id AND old.ended_at IS NOT NULL AND old.level = :level
CROSS JOIN LATERAL (
  SELECT fresh.id FROM area AS fresh
  WHERE fresh.set_id = :set_id AND fresh.ended_at IS NULL
    AND (fresh.code = old.code OR ST_Covers(fresh.geom, ST_PointOnSurface(old.geom)))
  ORDER BY fresh.code = old.code DESC, fresh.code COLLATE "C" LIMIT 1
) AS target
ON CONFLICT DO NOTHING
