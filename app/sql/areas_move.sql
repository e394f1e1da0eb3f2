-- areas_move
-- What stood for an area that has ended, and who was its officer or councillor, stands for the new one of the same code, else
-- for the new one around its middle.
WITH old AS MATERIALIZED (
  SELECT id, code, ST_PointOnSurface(geom) AS middle FROM area
  WHERE ended_at IS NOT NULL AND level = :level
    AND (EXISTS (SELECT FROM asset WHERE area_id = area.id) OR EXISTS (SELECT FROM officer_area WHERE area_id = area.id))
),
successor AS MATERIALIZED (
  SELECT old.id AS old_id, target.id, target.code <> old.code AS other
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
),
officers AS (
  INSERT INTO officer_area (person_id, area_id, role)
  -- Where two become one, an officer of either is officer of it.
  SELECT held.person_id, successor.id, CASE WHEN bool_or(held.role = 'officer') THEN 'officer' ELSE min(held.role) END
  FROM officer_area AS held JOIN successor ON successor.old_id = held.area_id
  GROUP BY held.person_id, successor.id
  ON CONFLICT (person_id, area_id) DO UPDATE SET role = 'officer' WHERE EXCLUDED.role = 'officer'
)
UPDATE asset SET area_id = successor.id, version = asset.version + successor.other::int,
  updated_at = CASE WHEN successor.other THEN now() ELSE asset.updated_at END
FROM successor WHERE asset.area_id = successor.old_id
RETURNING asset.id
