-- areas_officers
-- Who was an officer of an area that has ended is one of the new area of the same code, else of the new one around its middle.
WITH old AS MATERIALIZED (
  SELECT held.person_id, area.code, ST_PointOnSurface(area.geom) AS middle
  FROM officer_area AS held JOIN area ON area.id = held.area_id
  WHERE area.ended_at IS NOT NULL AND area.level = :level
),
moves AS (
  SELECT old.person_id, target.id AS area_id
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
INSERT INTO officer_area (person_id, area_id) SELECT person_id, area_id FROM moves
ON CONFLICT DO NOTHING
