-- areas_table
-- The waiting room of a boundary set. Filled by COPY, gone at the commit.
CREATE TEMPORARY TABLE incoming_area (
  line bigint PRIMARY KEY,
  code text NOT NULL,
  name text NOT NULL,
  population integer,
  raw geometry NOT NULL,
  geom geometry(MultiPolygon, 4326),
  fault text
) ON COMMIT DROP
