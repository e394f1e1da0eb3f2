-- tallies_waiting
-- The tallies that `changes` (rows of tally_change, put before this statement by app/reports/tallies.py) want counted again.
SELECT place FROM changes WHERE place IS NOT NULL
UNION
SELECT civic_tally(asset.ward, asset.area_id, asset.cell, asset.theme) FROM changes JOIN asset ON asset.id = changes.asset_id
UNION
SELECT civic_tally(asset.ward, asset.area_id, asset.cell, asset.theme) FROM changes JOIN asset ON asset.anchor && changes.box
WHERE EXISTS (SELECT FROM need WHERE need.asset_id = asset.id AND need.state = 'open')
