-- ogc_bounds
-- West, south, east and north of all assets that a visitor sees, in degrees: on each side the first row of a walk inwards
-- through the index of places, and through that of shapes on the map. Shapes of what has ended are in none: they are read.
SELECT min(ST_XMin(one.geom)) AS west, min(ST_YMin(one.geom)) AS south,
       max(ST_XMax(one.geom)) AS east, max(ST_YMax(one.geom)) AS north
FROM (
  SELECT nearest.geom
  FROM (VALUES ('LINESTRING(-180 -90, -180 90)'), ('LINESTRING(180 -90, 180 90)'),
               ('LINESTRING(-180 -90, 180 -90)'), ('LINESTRING(-180 90, 180 90)')) AS side (line),
  LATERAL (
    (SELECT anchor AS geom FROM asset WHERE anchor IS NOT NULL AND state = 'published' AND audience = 'public'
     ORDER BY anchor <-> ST_GeomFromText(side.line, 4326) LIMIT 1)
    UNION ALL
    (SELECT geom FROM asset WHERE on_map AND GeometryType(geom) <> 'POINT'
     ORDER BY geom <-> ST_GeomFromText(side.line, 4326) LIMIT 1)
  ) AS nearest
  UNION ALL
  SELECT CAST(ST_Extent(geom) AS geometry) FROM asset
  WHERE state = 'published' AND audience = 'public' AND stage = 'ended' AND GeometryType(geom) <> 'POINT'
) AS one
