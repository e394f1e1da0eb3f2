-- import_retire
-- End the assets of this source that its new release does not have; those that people have changed since are noted and left.
-- Returns how many of each.
WITH gone AS MATERIALIZED (
  SELECT asset.*, version <> coalesce(imported_version, 1) AS touched FROM asset
  WHERE source = :source AND fingerprint IS NOT NULL AND state = 'published' AND stage <> 'ended' AND import_id <> :import_id
    AND NOT EXISTS (SELECT FROM import_seen AS seen WHERE seen.id = asset.id AND NOT seen.waits)
    AND (CAST(:areas AS bigint[]) IS NULL OR EXISTS (
      SELECT FROM asset_area WHERE asset_area.asset_id = asset.id AND area_id = ANY (CAST(:areas AS bigint[]))))
  ORDER BY id FOR UPDATE OF asset
),
noted AS (
  INSERT INTO import_noted (fate, title, reason, asset_uid, geom, before, fingerprint)
  SELECT CASE WHEN touched THEN 'conflict' ELSE 'retired' END, title,
    CASE WHEN touched THEN 'it is not in the list any more, but people have changed it since' ELSE 'it is not in the list any more' END,
    uid, anchor, jsonb_build_object(
      'stage', stage, 'ended_at', ended_at, 'version', version, 'imported_version', imported_version, 'updated_at', updated_at),
    fingerprint
  FROM gone ORDER BY id
),
stepped AS (
  INSERT INTO state_change (thing, thing_id, aspect, from_state, to_state, person_id, why)
  SELECT 'asset', id, 'stage', stage, 'ended', CAST(:person_id AS bigint), 'it is not in the list of its source any more'
  FROM gone WHERE NOT touched
),
ended AS (
  UPDATE asset SET stage = 'ended', ended_at = now(), version = asset.version + 1, imported_version = asset.version + 1,
    updated_at = now()
  FROM gone WHERE asset.id = gone.id AND NOT gone.touched
)
SELECT count(*) FILTER (WHERE NOT touched) AS retired, count(*) FILTER (WHERE touched) AS kept FROM gone
