-- import_see_refused
-- A row that could not be read is still in the list: its asset, found by its key, is not gone.
INSERT INTO import_seen (id, waits)
SELECT asset.id, false FROM import_noted AS noted
JOIN asset ON asset.source = :source AND asset.fingerprint = noted.fingerprint
WHERE noted.fate = 'rejected' AND noted.fingerprint IS NOT NULL
ON CONFLICT DO NOTHING
