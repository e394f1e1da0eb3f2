-- import_see
-- Remember which assets of the former releases this batch has again.
INSERT INTO import_seen (id, waits)
SELECT DISTINCT asset_id, false FROM incoming_place WHERE asset_id IS NOT NULL ON CONFLICT DO NOTHING
