-- import_places_table
-- Where the rows of the waiting room lie, which asset is theirs already, and what becomes of them: null in `fate` is a new
-- asset, a `reason` a refusal. Apart from the rows, so that wide ones are written once.
CREATE TEMPORARY TABLE incoming_place (
  line bigint NOT NULL,
  asset_id bigint,
  geom geometry(Geometry, 4326),
  anchor geometry(Point, 4326),
  areas bigint[],
  ward text,
  fate text,
  reason text
) ON COMMIT DROP
