-- areas_yield
-- A set that comes in after a later one took its place: its areas there have ended already, on the day the later began.
UPDATE area SET ended_at = later.valid_from
FROM (
  SELECT DISTINCT ON (fresh.id) fresh.id, boundary_set.valid_from
  FROM area AS fresh
  JOIN area AS current ON current.level = fresh.level AND current.ended_at IS NULL AND current.set_id <> fresh.set_id
    AND ST_Covers(current.geom, ST_PointOnSurface(fresh.geom))
  JOIN boundary_set ON boundary_set.id = current.set_id AND boundary_set.valid_from > CAST(:valid_from AS date)
  WHERE fresh.set_id = :set_id
  ORDER BY fresh.id, boundary_set.valid_from
) AS later
WHERE area.id = later.id
