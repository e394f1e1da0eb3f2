-- lies_swapped
-- Whether a point outside every area would lie inside one with longitude and latitude changed over.
SELECT NOT EXISTS (SELECT FROM area WHERE ST_Covers(geom, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)))
  AND EXISTS (SELECT FROM area WHERE ST_Covers(geom, ST_SetSRID(ST_MakePoint(:lat, :lon), 4326))) AS swapped
