-- import_places_table
-- Where the rows of the waiting room lie, and why one of them is refused. Apart from them, so that wide rows are written once.
CREATE TEMPORARY TABLE incoming_place (
  line bigint NOT NULL,
  geom geometry(Geometry, 4326) NOT NULL,
  anchor geometry(Point, 4326) NOT NULL,
  areas bigint[],
  ward text,
  reason text
) ON COMMIT DROP
