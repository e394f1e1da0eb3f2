-- import_place
-- Where the rows lie: their public place in EPSG:4326, the areas of every boundary set, the current ward. What is shown only
-- roughly becomes the centre of its zoom-16 cell of Web Mercator, as geo/privacy.py says.
WITH moved AS MATERIALIZED (
  SELECT line, ST_Transform(ST_SetSRID(raw, :srid), 4326) AS geom FROM incoming
),
shown AS MATERIALIZED (
  SELECT moved.line, CASE WHEN :location_class = 'person' THEN centre.point ELSE moved.geom END AS geom
  FROM moved LEFT JOIN LATERAL (
    SELECT ST_Transform(ST_SetSRID(ST_MakePoint(
      ((civic_world_x(ST_PointOnSurface(moved.geom)) >> 14) + 0.5) * 611.49622628141 - 20037508.342789244,
      20037508.342789244 - ((civic_world_y(ST_PointOnSurface(moved.geom)) >> 14) + 0.5) * 611.49622628141
    ), 3857), 4326) AS point
    WHERE :location_class = 'person'
  ) AS centre ON true
),
anchored AS MATERIALIZED (
  SELECT line, geom, CASE WHEN GeometryType(geom) = 'POINT' THEN geom ELSE ST_PointOnSurface(geom) END AS anchor
  FROM shown
),
lies AS (
  SELECT DISTINCT ON (line, area.set_id) line, area.id, area.code, area.level = 'ward' AND area.ended_at IS NULL AS ward
  FROM anchored JOIN area ON ST_Covers(area.geom, anchored.anchor)
  ORDER BY line, area.set_id, area.code COLLATE "C"
),
found AS (
  SELECT line, array_agg(id) AS areas, min(code COLLATE "C") FILTER (WHERE ward) AS ward FROM lies GROUP BY line
)
UPDATE incoming SET geom = anchored.geom, areas = found.areas, ward = found.ward
FROM anchored LEFT JOIN found USING (line)
WHERE incoming.line = anchored.line
