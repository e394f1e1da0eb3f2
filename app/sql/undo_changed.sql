-- undo_changed
-- Set the assets that the import changed or ended back, column by column. What was not noted stays as it is.
-- Returns their ids; `moved`: areas and ward are to be found again.
WITH back AS MATERIALIZED (
  SELECT undoing.id, was.*, asset.stage AS now_stage, asset.geom IS DISTINCT FROM was.geom AS moved
  FROM undoing JOIN asset USING (id)
  CROSS JOIN LATERAL (
    SELECT title, summary, body, organiser, website, details, geom, ward, stage, ended_at, version, imported_version, row_digest,
      updated_at
    FROM jsonb_populate_record(asset, undoing.before)
  ) AS was
  WHERE undoing.before IS NOT NULL AND undoing.why IS NULL AND undoing.id > :after AND undoing.id <= :last
),
stepped AS (
  INSERT INTO state_change (thing, thing_id, aspect, from_state, to_state, person_id, why)
  SELECT 'asset', id, 'stage', now_stage, stage, CAST(:person_id AS bigint), 'an import was undone' FROM back
  WHERE now_stage <> stage
)
UPDATE asset SET
  title = back.title, summary = back.summary, body = back.body, organiser = back.organiser, website = back.website,
  details = back.details, geom = back.geom, ward = back.ward, stage = back.stage, ended_at = back.ended_at,
  version = back.version, imported_version = back.imported_version, row_digest = back.row_digest, updated_at = back.updated_at
FROM back WHERE asset.id = back.id
RETURNING asset.id, back.moved
