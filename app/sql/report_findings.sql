-- report_findings
-- What a report points at by name, at most :most of each list in the order of its rows: of `wide`, `visible`, `placed` and `asked`,
-- put before this statement by app/reports/counting.py. `code` is that of the row, empty outside them; of what is area-wide its area's.
SELECT * FROM (
  WITH wanting AS (
    SELECT asked.id, asked.kind, asked.unanswered, asked.blocking, asked.report_back_on, need.uid, need.title,
      asset.uid AS asset_uid, asset.title AS asset_title, coalesce(area.code, '') AS code
    FROM asked JOIN need ON need.id = asked.id JOIN asset ON asset.id = asked.asset_id LEFT JOIN area ON area.id = asked.place
    WHERE asked.state = 'open' AND (asked.unanswered OR asked.blocking)
  )
  SELECT 'needs_without_offers' AS list, uid AS need, title, kind, asset_uid AS asset, asset_title, code, '' AS area_name, '' AS level,
    report_back_on, row_number() OVER (ORDER BY code = '', code COLLATE "C", report_back_on NULLS LAST, id) AS nr
  FROM wanting WHERE unanswered
  UNION ALL
  SELECT 'blocking_needs', uid, title, kind, asset_uid, asset_title, code, '', '', report_back_on,
    row_number() OVER (ORDER BY code = '', code COLLATE "C", report_back_on, id)
  FROM wanting WHERE blocking
  UNION ALL
  SELECT 'unused_spaces', NULL, asset.title, asset.kind, asset.uid, asset.title, coalesce(area.code, ''), '', '', NULL,
    row_number() OVER (ORDER BY area.code COLLATE "C" NULLS LAST, asset.title, asset.id)
  FROM placed JOIN asset ON asset.id = placed.id LEFT JOIN area ON area.id = placed.place
  WHERE placed.stage <> 'ended' AND asset.kind = 'place' AND asset.details ->> 'use' = 'unused'
  UNION ALL
  SELECT 'area_wide', NULL, asset.title, asset.kind, asset.uid, asset.title, own.code, own.name, own.level, NULL,
    row_number() OVER (
      ORDER BY array_position(CAST(:levels AS text[]), own.level::text), own.code COLLATE "C", asset.title, asset.id)
  FROM visible JOIN asset ON asset.id = visible.id JOIN area AS own ON own.id = asset.area_id
  WHERE visible.stage <> 'ended' AND (
    asset.id IN (SELECT id FROM placed WHERE place = -1) OR asset.id IN (SELECT id FROM wide WHERE NOT inside))
) AS found
WHERE nr <= :most ORDER BY list, nr
