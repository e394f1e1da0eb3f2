-- import_create
-- The rows that were not refused become assets, each fingerprint of a source once, with their areas and their first state.
-- Returns how many were made, and how many of the rows taken (made now or there before) lie in a current ward.
WITH fresh AS (
  SELECT DISTINCT ON (fingerprint) * FROM incoming WHERE reason IS NULL ORDER BY fingerprint, line
),
made AS (
  INSERT INTO asset (
    kind, title, summary, body, theme, state, stage, organiser, website, details, location_class, geom, ward, via,
    published_at, import_id, source, fingerprint)
  SELECT :kind, title, summary, body, :theme, 'published', :stage, organiser, website, details, :location_class, geom, ward,
    'import', now(), :import_id, :source, fingerprint
  FROM fresh ORDER BY line
  ON CONFLICT (source, fingerprint) DO NOTHING
  RETURNING id, fingerprint
),
placed AS (
  INSERT INTO asset_area (asset_id, area_id)
  SELECT made.id, unnest(fresh.areas) FROM made JOIN fresh USING (fingerprint)
),
begun AS (
  INSERT INTO state_change (thing, thing_id, to_state, person_id) SELECT 'asset', id, 'published', CAST(:person_id AS bigint) FROM made
)
SELECT (SELECT count(*) FROM made) AS created,
  (
    SELECT count(*) FROM incoming
    LEFT JOIN asset AS there ON there.source = :source AND there.fingerprint = incoming.fingerprint
    WHERE incoming.reason IS NULL
      AND CASE WHEN there.id IS NULL THEN incoming.ward IS NOT NULL ELSE there.ward IS NOT NULL END
  ) AS in_areas
