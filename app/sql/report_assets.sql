-- report_assets
-- Each asset of a report, in the order of its rows: of `placed` and `asked`, put before this statement by app/reports/counting.py.
-- Of a past day, what has been taken out of sight since has no row: it is counted and no longer named. Easting and northing are
-- those of the British National Grid (EPSG:27700), in whole metres, where it reaches.
SELECT CASE asset_row.place WHEN -1 THEN 'Area-wide' WHEN 0 THEN 'In no ' || CAST(:level AS text) ELSE area.name END AS ward_name,
  coalesce(area.code, '') AS ward_code, asset.kind, asset.title, asset.summary, asset.theme, asset_row.stage, asset.organiser,
  coalesce(asset.website, '') AS website,
  CASE WHEN CAST(:until AS timestamptz) IS NULL THEN asset.appreciation_count ELSE (
    SELECT count(*) FROM appreciation WHERE appreciation.asset_id = asset.id AND appreciation.created_at < :until
  ) END AS appreciations,
  coalesce(open.n, 0) AS open_needs,
  (asset.published_at AT TIME ZONE 'UTC')::date AS published_on, (asset.starts_at AT TIME ZONE 'UTC')::date AS starts_on,
  (asset.ends_at AT TIME ZONE 'UTC')::date AS ends_on,
  round(ST_X(grid.point))::int AS easting, round(ST_Y(grid.point))::int AS northing,
  ST_X(asset.anchor) AS lon, ST_Y(asset.anchor) AS lat, asset.uid
FROM placed AS asset_row JOIN asset ON asset.id = asset_row.id
LEFT JOIN area ON area.id = asset_row.place
LEFT JOIN (SELECT asset_id, count(*) AS n FROM asked WHERE state = 'open' GROUP BY asset_id) AS open ON open.asset_id = asset.id
-- CASE alone keeps the order: as a condition it may be asked too late, and a place on the other side of the world is a fault.
CROSS JOIN LATERAL (
  SELECT CASE WHEN asset.anchor && ST_MakeEnvelope(-9.0, 49.7, 2.1, 61.1, 4326) THEN ST_Transform(asset.anchor, 27700) END AS point
) AS grid
WHERE asset_row.stage <> 'ended' AND asset.state = 'published'
ORDER BY asset_row.place <= 0, area.code COLLATE "C", asset_row.place, asset.kind, asset.title, asset.id
