-- areas_end
-- A new set ends the current areas of its level that lie in its union by their point on surface, unless their set is a later
-- one; and every illustrative area. Returns the name of the set of each area ended, and whether that set was illustrative.
UPDATE area SET ended_at = CASE WHEN was.illustrative THEN now() ELSE coalesce(CAST(:valid_from AS timestamptz), now()) END
FROM boundary_set AS was
WHERE was.id = area.set_id AND area.set_id <> :set_id AND area.ended_at IS NULL
  AND (was.illustrative OR (
    area.level = :level
    AND (was.valid_from IS NULL OR was.valid_from <= coalesce(CAST(:valid_from AS date), current_date))
    AND EXISTS (
      SELECT FROM area AS fresh
      WHERE fresh.set_id = :set_id AND ST_Covers(fresh.geom, ST_PointOnSurface(area.geom))
    )
  ))
RETURNING was.name, was.illustrative
