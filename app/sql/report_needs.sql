-- report_needs
-- Each open or met need of a report, in the order of its rows: of `asked`, put before this statement by app/reports/counting.py.
-- What has been taken out of sight since the day asked for has no row.
SELECT need.uid, need.title, asked.kind, asked.state, need.quantity, need.met, asked.blocking, need.report_back_on,
  asset.uid AS asset, asset.title AS asset_title, coalesce(area.code, '') AS ward_code,
  CASE asked.place WHEN -1 THEN 'Area-wide' WHEN 0 THEN 'In no ' || CAST(:level AS text) ELSE area.name END AS ward_name,
  asked.unanswered
FROM asked JOIN need ON need.id = asked.id JOIN asset ON asset.id = asked.asset_id LEFT JOIN area ON area.id = asked.place
WHERE asked.state IN ('open', 'met') AND asset.state = 'published'
ORDER BY asked.place <= 0, area.code COLLATE "C", asked.place, asset.title, need.asset_id, need.id
