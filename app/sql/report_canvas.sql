-- report_canvas
-- What is drawn under a printed map of the areas :areas: their outlines and those of their set's others around them, as paths
-- of SVG in a picture 1000 wide that is no taller than it is wide, and no flatter than six tenths of that.
WITH own AS (
  SELECT id, set_id, ST_Transform(geom, 3857) AS geom FROM area WHERE id = ANY (CAST(:areas AS bigint[]))
),
reach AS (
  SELECT ST_XMin(box) AS west, ST_YMin(box) AS south, ST_XMax(box) AS east, ST_YMax(box) AS north
  FROM (SELECT ST_Extent(geom) AS box FROM own) AS all_of_them
),
sized AS (
  SELECT (west + east) / 2 AS x, (south + north) / 2 AS y,
         greatest((east - west) * 1.08, (north - south) * 1.08, 200) AS width, greatest((north - south) * 1.08, 120) AS height
  FROM reach WHERE west IS NOT NULL
),
frame AS (
  SELECT x - width / 2 AS west, y + greatest(height, width * 0.6) / 2 AS north, 1000 / width AS scale,
         greatest(height, width * 0.6) / width * 1000 AS height, y,
         ST_MakeEnvelope(x - width * 0.51, y - greatest(height, width * 0.6) * 0.51,
                         x + width * 0.51, y + greatest(height, width * 0.6) * 0.51, 3857) AS box
  FROM sized
),
seen AS (
  SELECT id, true AS own, geom FROM own
  UNION ALL
  SELECT area.id, false, ST_ClipByBox2D(ST_Transform(area.geom, 3857), frame.box)
  FROM frame CROSS JOIN area
  WHERE area.set_id IN (SELECT set_id FROM own) AND area.id <> ALL (CAST(:areas AS bigint[]))
    AND area.geom && ST_Transform(frame.box, 4326)
)
SELECT id, own, frame.west, frame.north, frame.scale, frame.height::int AS height,
       ST_Y(ST_Transform(ST_SetSRID(ST_MakePoint(frame.west, frame.y), 3857), 4326)) AS latitude,
       coalesce(ST_AsSVG(ST_Simplify(placed, 0.7), 0, 1), '') AS path,
       ST_X(inside) AS x, -ST_Y(inside) AS y
FROM frame CROSS JOIN seen
CROSS JOIN LATERAL (SELECT ST_TransScale(seen.geom, -frame.west, -frame.north, frame.scale, frame.scale) AS placed) AS moved
CROSS JOIN LATERAL (SELECT ST_PointOnSurface(placed) AS inside) AS within
WHERE NOT ST_IsEmpty(seen.geom)
ORDER BY id
