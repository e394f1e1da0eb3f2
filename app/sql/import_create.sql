-- import_create
-- The rows that were not refused become assets, each fingerprint of a source once, with their areas and their first state.
-- Returns how many were made, and how many of the rows taken (made now or there before) lie in a current ward.
WITH taken AS MATERIALIZED (
  SELECT incoming.*, place.geom, place.areas, place.ward,
    row_number() OVER (PARTITION BY fingerprint ORDER BY line) AS nth
  FROM incoming JOIN incoming_place AS place USING (line) WHERE place.reason IS NULL
),
made AS (
  INSERT INTO asset (
    kind, title, summary, body, theme, state, stage, organiser, website, details, location_class, geom, ward, via,
    published_at, import_id, source, fingerprint)
  SELECT :kind, title, summary, body, :theme, 'published', :stage, organiser, website, details, :location_class, geom, ward,
    'import', now(), :import_id, :source, fingerprint
  FROM taken WHERE nth = 1 ORDER BY line
  ON CONFLICT (source, fingerprint) DO NOTHING
  RETURNING id, fingerprint, ward
),
placed AS (
  INSERT INTO asset_area (asset_id, area_id)
  SELECT made.id, unnest(taken.areas) FROM made JOIN taken ON taken.fingerprint = made.fingerprint AND taken.nth = 1
),
begun AS (
  INSERT INTO state_change (thing, thing_id, to_state, person_id) SELECT 'asset', id, 'published', CAST(:person_id AS bigint) FROM made
)
SELECT
  (SELECT count(*) FROM made) AS created,
  (SELECT count(ward) FROM made) + (
    -- The rest was there before, or repeats a row of this batch.
    SELECT count(*) FROM taken
    LEFT JOIN made ON made.fingerprint = taken.fingerprint AND taken.nth = 1
    LEFT JOIN LATERAL (  -- OFFSET 0: one look-up for each row, never a walk over everything that this source has
      SELECT id, ward FROM asset WHERE asset.source = :source AND asset.fingerprint = taken.fingerprint OFFSET 0
    ) AS there ON true
    WHERE made.id IS NULL AND CASE WHEN there.id IS NULL THEN taken.ward IS NOT NULL ELSE there.ward IS NOT NULL END
  ) AS in_areas
