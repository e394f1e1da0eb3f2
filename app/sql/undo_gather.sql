-- undo_gather
-- Which assets an import made (no `before`), and which it changed or ended.
INSERT INTO undoing (id, since, before)
SELECT id, NULL, NULL FROM asset WHERE import_id = :import_id
UNION ALL
SELECT asset.id, CAST(:ran_at AS timestamptz), noted.before
FROM import_row AS noted JOIN asset ON asset.uid = noted.asset_uid
WHERE noted.run_id = :import_id AND noted.fate IN ('updated', 'retired')
ON CONFLICT DO NOTHING
