-- postcodes_keep
-- Write the postcodes that are new or have moved; of one that is listed twice, the last. Returns how many of each.
WITH kept AS (
  INSERT INTO postcode AS old (code, geom)
  SELECT DISTINCT ON (code) code, ST_Transform(ST_SetSRID(raw, :srid), 4326) FROM incoming_postcode
  ORDER BY code, ctid DESC
  ON CONFLICT (code) DO UPDATE SET geom = excluded.geom
    WHERE ST_X(old.geom) <> ST_X(excluded.geom) OR ST_Y(old.geom) <> ST_Y(excluded.geom)
  RETURNING xmax = 0 AS new
)
SELECT count(*) FILTER (WHERE new) AS created, count(*) FILTER (WHERE NOT new) AS moved FROM kept
