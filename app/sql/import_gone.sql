-- import_gone
-- How many published assets the former releases of this source left, and how many of them this release does not have.
SELECT count(*) AS live, count(*) FILTER (WHERE seen.id IS NULL) AS gone
FROM asset LEFT JOIN import_seen AS seen ON seen.id = asset.id AND NOT seen.waits
WHERE source = :source AND fingerprint IS NOT NULL AND state = 'published' AND import_id <> :import_id
  AND (stage <> 'ended' OR seen.id IS NOT NULL)
  AND (CAST(:areas AS bigint[]) IS NULL OR EXISTS (
    SELECT FROM asset_area WHERE asset_area.asset_id = asset.id AND area_id = ANY (CAST(:areas AS bigint[]))))
