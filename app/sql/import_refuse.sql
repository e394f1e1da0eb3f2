-- import_refuse
-- Refuse the rows that lie too far from every loaded area, unless their asset lies there already; say which and why. Degrees
-- find the neighbours, metres decide.
WITH far AS (
  SELECT line, nearest.metres
  FROM (
    SELECT line, anchor FROM incoming_place AS place
    WHERE ward IS NULL AND anchor IS NOT NULL
      AND NOT EXISTS (SELECT FROM area WHERE area.id = ANY (place.areas) AND area.ended_at IS NULL)
      AND NOT EXISTS (SELECT FROM asset WHERE asset.id = place.asset_id AND ST_DWithin(asset.anchor, place.anchor, 1e-7))
  ) AS outside
  CROSS JOIN LATERAL (
    SELECT ST_DistanceSphere(outside.anchor, ST_ClosestPoint(area.geom, outside.anchor)) AS metres FROM area
    WHERE area.ended_at IS NULL ORDER BY area.geom <-> outside.anchor LIMIT 1
  ) AS nearest
  WHERE nearest.metres > :reach_m
    AND NOT EXISTS (
      SELECT FROM area WHERE area.ended_at IS NULL
        AND area.geom && ST_Expand(
          outside.anchor, :reach_m / 111000.0 / greatest(0.05, cos(radians(ST_Y(outside.anchor)))), :reach_m / 110000.0)
        AND ST_DWithin(area.geom::geography, outside.anchor::geography, :reach_m)
    )
)
UPDATE incoming_place AS place SET reason =
  'it lies ' || CASE WHEN far.metres < 20000 THEN round((far.metres / 1000)::numeric, 1)::text
                     ELSE round((far.metres / 10000)::numeric)::text || '0' END
  || ' km from the nearest area of this map'
  || CASE WHEN :srid IN (4326, 27700) AND incoming.raw IS NOT NULL AND EXISTS (
       SELECT FROM area WHERE area.ended_at IS NULL AND ST_Covers(
         area.geom, ST_Transform(ST_SetSRID(ST_FlipCoordinates(ST_PointOnSurface(incoming.raw)), :srid), 4326))
     ) THEN '; with its two coordinates changed over it would lie inside' ELSE '' END
FROM far JOIN incoming USING (line)
WHERE place.line = far.line
