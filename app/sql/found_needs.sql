-- found_needs
-- These needs (:ids) by name, with their assets.
SELECT need.id, need.uid AS need, need.title, need.kind, asset.uid AS asset, asset.title AS asset_title, need.report_back_on
FROM need JOIN asset ON asset.id = need.asset_id WHERE need.id = ANY (CAST(:ids AS bigint[]))
