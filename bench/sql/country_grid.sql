-- country_grid
-- Wards where no file of wards is at hand: squares of a tenth of a degree over the whole country.
WITH made AS (
  INSERT INTO boundary_set (level, name, illustrative) VALUES ('ward', 'Squares', true) RETURNING id
)
INSERT INTO area (set_id, level, code, name, geom)
SELECT made.id, 'ward', 'S' || lpad(x::text, 3, '0') || lpad(y::text, 3, '0'), 'Square ' || x || ' ' || y,
       ST_Multi(ST_MakeEnvelope(-8 + x / 10.0, 49.8 + y / 10.0, -8 + (x + 1) / 10.0, 49.8 + (y + 1) / 10.0, 4326))
FROM made, generate_series(0, 101) AS x, generate_series(0, 91) AS y;
