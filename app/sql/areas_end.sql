-- areas_end
-- A new set ends the current areas of its level that lie in its union by their point on surface, unless their set is a later
-- one; and every illustrative area. Returns the name of the set of each area ended, and whether that set was illustrative.
WITH middle AS MATERIALIZED (
  SELECT area.id, ST_PointOnSurface(area.geom) AS point, was.name, was.illustrative,
    area.level = :level AND (was.valid_from IS NULL OR was.valid_from <= coalesce(CAST(:valid_from AS date), current_date)) AS earlier
  FROM area JOIN boundary_set AS was ON was.id = area.set_id
  WHERE area.set_id <> :set_id AND area.ended_at IS NULL
),
over AS (
  SELECT id, name, illustrative FROM middle
  WHERE illustrative OR (earlier AND EXISTS (
    -- OFFSET 0: the index of outlines finds them; the planner does not know yet how many areas the new set has.
    SELECT FROM (SELECT set_id FROM area WHERE ST_Covers(area.geom, middle.point) OFFSET 0) AS around
    WHERE around.set_id = :set_id
  ))
)
UPDATE area SET ended_at = CASE WHEN over.illustrative THEN now() ELSE coalesce(CAST(:valid_from AS timestamptz), now()) END
FROM over WHERE over.id = area.id
RETURNING over.name, over.illustrative
