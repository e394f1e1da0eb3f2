-- outline_tile
-- The current areas of one level in one vector tile, and from the zoom at which they are written the places of their names.
-- An outline has no more corners than a screen has pixels. One too small to be seen becomes a dot, or towns would be holes.
WITH here AS (
  SELECT code, name, geom FROM area
  WHERE level = :level AND ended_at IS NULL AND geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326)
),
drawn AS (
  SELECT code, name, coalesce(
           ST_AsMVTGeom(outline, square, CAST(:extent AS int), CAST(:buffer AS int)),
           ST_AsMVTGeom(ST_Expand(ST_Centroid(outline), (ST_XMax(square) - ST_XMin(square)) / CAST(:extent AS int)),
                        square, CAST(:extent AS int), CAST(:buffer AS int))
         ) AS geom
  FROM (SELECT code, name, ST_Simplify(ST_Transform(geom, 3857), :tolerance, true) AS outline FROM here) AS area
  CROSS JOIN ST_TileEnvelope(:z, :x, :y) AS square
),
written AS (
  SELECT code, name,
         ST_AsMVTGeom(ST_Transform(ST_PointOnSurface(geom), 3857), ST_TileEnvelope(:z, :x, :y), CAST(:extent AS int), 0) AS geom
  FROM here WHERE :z >= CAST(:names AS int)
)
SELECT coalesce((SELECT ST_AsMVT(part, 'areas', CAST(:extent AS int), 'geom')
                 FROM (SELECT * FROM drawn WHERE geom IS NOT NULL ORDER BY code) AS part), ''::bytea)
    || coalesce((SELECT ST_AsMVT(part, 'names', CAST(:extent AS int), 'geom')
                 FROM (SELECT * FROM written WHERE geom IS NOT NULL ORDER BY code) AS part), ''::bytea) AS tile
