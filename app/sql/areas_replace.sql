-- areas_replace
-- Another edition of a set that is loaded: write what differs, keep every area's identity. Returns the codes written.
UPDATE area SET name = fresh.name, population = coalesce(fresh.population, area.population), geom = fresh.geom
FROM incoming_area AS fresh
WHERE area.set_id = :set_id AND area.code = fresh.code
  AND (area.name <> fresh.name OR area.population IS DISTINCT FROM coalesce(fresh.population, area.population)
    OR ST_AsBinary(area.geom) <> ST_AsBinary(fresh.geom))
RETURNING area.code
