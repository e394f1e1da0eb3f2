-- areas_mend
-- Bring the outlines to EPSG:4326; where one is not valid, keep the polygons of its mended form and note what was wrong.
WITH moved AS MATERIALIZED (
  SELECT line, ST_Transform(ST_SetSRID(raw, :srid), 4326) AS geom FROM incoming_area
)
UPDATE incoming_area SET
  fault = CASE WHEN NOT ST_IsValid(moved.geom) THEN ST_IsValidReason(moved.geom) END,
  geom = ST_Multi(ST_CollectionExtract(
    CASE WHEN ST_IsValid(moved.geom) THEN moved.geom ELSE ST_MakeValid(moved.geom) END, 3))
FROM moved WHERE moved.line = incoming_area.line
