-- import_create
-- The rows that are left become assets, with their areas and their first state; the first :sample of them are noted.
WITH taken AS MATERIALIZED (
  SELECT incoming.*, place.geom, place.anchor, place.areas, place.ward
  FROM incoming JOIN incoming_place AS place USING (line) WHERE place.fate IS NULL AND place.reason IS NULL
),
made AS (
  INSERT INTO asset (
    kind, title, summary, body, theme, state, stage, organiser, website, licence, attribution, details, location_class, geom,
    ward, via, published_at, import_id, source, fingerprint, row_digest)
  SELECT :kind, title, summary, body, :theme, 'published', :stage, organiser, website, :licence, :attribution, details,
    :location_class, geom, ward, 'import', now(), :import_id, :source, fingerprint, digest
  FROM taken ORDER BY line
  RETURNING id, uid, fingerprint
),
placed AS (
  INSERT INTO asset_area (asset_id, area_id)
  SELECT made.id, unnest(taken.areas) FROM made JOIN taken ON taken.fingerprint = made.fingerprint
),
begun AS (
  INSERT INTO state_change (thing, thing_id, to_state, person_id) SELECT 'asset', id, 'published', CAST(:person_id AS bigint) FROM made
)
INSERT INTO import_noted (line, fate, title, asset_uid, geom)
SELECT taken.line, 'created', taken.title, made.uid, taken.anchor
FROM made JOIN taken ON taken.fingerprint = made.fingerprint ORDER BY taken.line LIMIT :sample
