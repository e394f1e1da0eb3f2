-- report_scoped
-- The assets that lie in the areas :scope (`inside`), and those of `wide`, put before this by app/reports/counting.py. None without
-- a scope.
SELECT asset_id AS id, true AS inside FROM asset_area
WHERE CAST(:scope AS bigint[]) IS NOT NULL
  AND (area_id = ANY (CAST(:scope AS bigint[])) OR area_id = ANY (CAST(:areas AS bigint[])))
UNION
SELECT id, inside FROM wide
