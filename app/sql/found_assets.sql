-- found_assets
-- These assets (:ids) by name, but for what has been taken out of sight since they counted; with the area that each stands for, if it does.
SELECT asset.id, asset.uid AS asset, asset.title, asset.kind, own.code AS area_code, own.name AS area_name, own.level
FROM asset LEFT JOIN area AS own ON own.id = asset.area_id
WHERE asset.id = ANY (CAST(:ids AS bigint[])) AND asset.state = 'published' AND asset.audience = 'public'
