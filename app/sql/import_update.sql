-- import_update
-- Write what the release says anew of assets that nobody has changed since; a retired one that is back lives again. What they
-- were before is noted, column by column, for the undoing. A row without a place leaves the place as it is.
WITH wanted AS MATERIALIZED (
  SELECT incoming.*, place.asset_id, place.geom, place.anchor, place.areas, place.ward AS new_ward
  FROM incoming JOIN incoming_place AS place USING (line) WHERE place.fate = 'updated'
),
noted AS (
  INSERT INTO import_noted (line, fate, title, asset_uid, geom, before, after, fingerprint, digest)
  SELECT wanted.line, 'updated', wanted.title, asset.uid, coalesce(wanted.anchor, asset.anchor),
    jsonb_build_object(
      'title', asset.title, 'summary', asset.summary, 'body', asset.body, 'organiser', asset.organiser,
      'website', asset.website, 'details', asset.details, 'geom', asset.geom::text, 'ward', asset.ward, 'stage', asset.stage,
      'ended_at', asset.ended_at, 'version', asset.version, 'imported_version', asset.imported_version,
      'row_digest', asset.row_digest::text, 'updated_at', asset.updated_at),
    jsonb_build_object(
      'title', wanted.title, 'summary', wanted.summary, 'body', wanted.body, 'organiser', wanted.organiser,
      'website', wanted.website, 'details', wanted.details, 'geom', coalesce(wanted.geom, asset.geom)::text,
      'stage', CASE WHEN asset.stage = 'ended' THEN CAST(:stage AS text) ELSE asset.stage END),
    wanted.fingerprint, wanted.digest
  FROM wanted JOIN asset ON asset.id = wanted.asset_id
),
stepped AS (
  INSERT INTO state_change (thing, thing_id, aspect, from_state, to_state, person_id, why)
  SELECT 'asset', asset.id, 'stage', 'ended', :stage, CAST(:person_id AS bigint), 'it is in the list of its source again'
  FROM wanted JOIN asset ON asset.id = wanted.asset_id WHERE asset.stage = 'ended'
),
left_areas AS (
  DELETE FROM asset_area USING wanted
  WHERE asset_area.asset_id = wanted.asset_id AND wanted.geom IS NOT NULL
    AND asset_area.area_id <> ALL (coalesce(wanted.areas, '{}'))
),
entered AS (
  INSERT INTO asset_area (asset_id, area_id) SELECT asset_id, unnest(areas) FROM wanted ON CONFLICT DO NOTHING
)
UPDATE asset SET
  title = wanted.title, summary = wanted.summary, body = wanted.body, organiser = wanted.organiser, website = wanted.website,
  details = wanted.details, geom = coalesce(wanted.geom, asset.geom),
  ward = CASE WHEN wanted.geom IS NULL THEN asset.ward ELSE wanted.new_ward END,
  stage = CASE WHEN asset.stage = 'ended' THEN :stage ELSE asset.stage END,
  ended_at = CASE WHEN asset.stage = 'ended' THEN NULL ELSE asset.ended_at END,
  version = asset.version + 1, imported_version = asset.version + 1, row_digest = wanted.digest, updated_at = now()
FROM wanted WHERE asset.id = wanted.asset_id
