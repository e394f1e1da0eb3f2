-- assign_next
-- The next assets in the order of their keys, as a range of keys; no row after the last.
SELECT min(id) AS first, max(id) AS last, count(*) AS size
FROM (SELECT id FROM asset WHERE id > :after ORDER BY id LIMIT :most) AS part
HAVING count(*) > 0
