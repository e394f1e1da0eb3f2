-- found_needs
-- These needs (:ids) by name, with their assets, but for those whose asset has been taken out of sight since they counted.
SELECT need.id, need.uid AS need, need.title, need.kind, asset.uid AS asset, asset.title AS asset_title, need.report_back_on
FROM need JOIN asset ON asset.id = need.asset_id
WHERE need.id = ANY (CAST(:ids AS bigint[])) AND asset.state = 'published' AND asset.audience = 'public'
