-- assign_wards
-- The asset's own copy of its current ward, from asset_area; an asset that stands for a whole ward belongs to that one.
UPDATE asset SET ward = found.code
FROM (
  SELECT one.id, coalesce(inside.code, whole.code) AS code
  FROM asset AS one
  LEFT JOIN LATERAL (
    SELECT min(area.code COLLATE "C") AS code FROM asset_area JOIN area ON area.id = asset_area.area_id
    WHERE asset_area.asset_id = one.id AND area.level = 'ward' AND area.ended_at IS NULL
  ) AS inside ON true
  LEFT JOIN area AS whole ON whole.id = one.area_id AND whole.level = 'ward' AND whole.ended_at IS NULL
  WHERE one.id BETWEEN :first AND :last
) AS found
WHERE asset.id = found.id AND asset.ward IS DISTINCT FROM found.code
