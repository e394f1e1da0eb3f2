-- nearest_area
-- Metres from a position to the nearest current area: 0 inside one, null when none is loaded. The index orders by degrees,
-- which are shorter eastwards than northwards, so the nearest dozen by degrees are measured.
SELECT min(ST_Distance(close.geom::geography, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography)) AS metres
FROM (
  SELECT geom FROM area WHERE ended_at IS NULL
  ORDER BY geom <-> ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) LIMIT 12
) AS close
