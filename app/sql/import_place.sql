-- import_place
-- Where the rows lie: their public place in EPSG:4326, or that of their postcode, the areas of every boundary set, the current
-- ward; and which asset is theirs. What is shown only roughly becomes the centre of its zoom-16 cell of Web Mercator, as
-- geo/privacy.py says. OFFSET 0: one look-up for each row, never a walk over everything that this source has.
-- Areas are looked up once for all rows of a square of 1/16 degree, by the box around them: a look-up in the index costs more
-- than asking two or three outlines.
WITH moved AS MATERIALIZED (
  SELECT line, fingerprint, coalesce(ST_Transform(ST_SetSRID(raw, :srid), 4326), listed.geom) AS geom
  FROM incoming LEFT JOIN LATERAL (SELECT geom FROM postcode WHERE code = incoming.postcode OFFSET 0) AS listed ON true
),
shown AS MATERIALIZED (
  SELECT moved.line, moved.fingerprint, CASE WHEN :location_class = 'person' THEN centre.point ELSE moved.geom END AS geom
  FROM moved LEFT JOIN LATERAL (
    SELECT ST_Transform(ST_SetSRID(ST_MakePoint(
      ((civic_world_x(ST_PointOnSurface(moved.geom)) >> 14) + 0.5) * 611.49622628141 - 20037508.342789244,
      20037508.342789244 - ((civic_world_y(ST_PointOnSurface(moved.geom)) >> 14) + 0.5) * 611.49622628141
    ), 3857), 4326) AS point
    WHERE :location_class = 'person'
  ) AS centre ON true
),
anchored AS MATERIALIZED (
  SELECT line, fingerprint, geom, anchor, floor(ST_X(anchor) * 16) AS east, floor(ST_Y(anchor) * 16) AS north
  FROM (
    SELECT line, fingerprint, geom, CASE WHEN GeometryType(geom) = 'POINT' THEN geom ELSE ST_PointOnSurface(geom) END AS anchor FROM shown
  ) AS one
),
square AS MATERIALIZED (
  SELECT east, north,
    ST_MakeEnvelope(min(ST_X(anchor)), min(ST_Y(anchor)), max(ST_X(anchor)), max(ST_Y(anchor)), 4326) AS box
  FROM anchored GROUP BY east, north
),
near AS MATERIALIZED (
  SELECT east, north, area.id, area.set_id, area.code, area.geom, area.level = 'ward' AND area.ended_at IS NULL AS ward
  FROM square JOIN area ON area.geom && square.box
),
lies AS (
  SELECT DISTINCT ON (line, near.set_id) line, near.id, near.code, near.ward
  FROM near JOIN anchored USING (east, north)
  WHERE ST_Covers(near.geom, anchored.anchor)
  ORDER BY line, near.set_id, near.code COLLATE "C"
),
found AS (
  SELECT line, array_agg(id) AS areas, min(code COLLATE "C") FILTER (WHERE ward) AS ward FROM lies GROUP BY line
)
INSERT INTO incoming_place (line, asset_id, geom, anchor, areas, ward)
SELECT line, there.id, geom, anchor, found.areas, found.ward
FROM anchored LEFT JOIN found USING (line)
LEFT JOIN LATERAL (
  SELECT id FROM asset WHERE source = :source AND asset.fingerprint = anchored.fingerprint OFFSET 0
) AS there ON true
