-- undo_next
-- Lock the next assets to undo: nobody edits, discusses, thanks, pledges or links them any more until this has ended.
WITH next AS MATERIALIZED (SELECT id FROM undoing WHERE id > :after ORDER BY id LIMIT :most),
held AS MATERIALIZED (SELECT asset.id FROM asset JOIN next USING (id) ORDER BY asset.id FOR UPDATE OF asset)
SELECT max(next.id) AS last, count(*) AS size, count(held.id) AS held FROM next LEFT JOIN held USING (id)
