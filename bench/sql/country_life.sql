-- country_life
-- What people do around the assets: needs, thanks, proposals, comments. Numbers of the imports; the next number of an asset.
INSERT INTO need (asset_id, kind, title, quantity, met, state, created_by)
SELECT id, (ARRAY['people','skill','space','equipment','money','permission','training'])[1 + bench.pick(id, 40, 7)],
       'Help on Saturday', 5, bench.pick(id, 41, 4), CASE WHEN bench.pick(id, 42, 4) = 0 THEN 'closed' ELSE 'open' END, owner_id
FROM asset WHERE kind IN ('project', 'idea', 'place') AND state = 'published' AND bench.pick(id, 43, 20) = 0;

INSERT INTO proposal (asset_id, proposer_id, title, places, state)
SELECT id, 1 + bench.pick(id, 44, %(people)s), 'I could bring my tools', 10,
       (ARRAY['proposed','accepted','done','declined'])[1 + bench.pick(id, 45, 4)]
FROM asset WHERE kind IN ('project', 'idea') AND state = 'published' AND bench.pick(id, 46, 15) = 0;

INSERT INTO appreciation (asset_id, person_id)
SELECT DISTINCT id, 1 + bench.pick(id * 8 + n, 47, %(people)s)
FROM asset CROSS JOIN LATERAL generate_series(1, CASE WHEN bench.pick(id, 48, 20) = 0 THEN 1 + bench.pick(id, 49, 6) ELSE 0 END) AS n
WHERE state = 'published';

INSERT INTO comment (asset_id, author_id, text)
SELECT id, 1 + bench.pick(id, 50, %(people)s), 'We went last week and it was lovely.'
FROM asset WHERE state = 'published' AND bench.pick(id, 51, 30) = 0;

UPDATE asset SET appreciation_count = given.n
FROM (SELECT asset_id, count(*) AS n FROM appreciation GROUP BY asset_id) AS given WHERE given.asset_id = asset.id;

UPDATE import_run SET rows_read = given.n, created = given.n
FROM (SELECT import_id, count(*) AS n FROM asset GROUP BY import_id) AS given WHERE given.import_id = import_run.id;

SELECT setval(pg_get_serial_sequence('asset', 'id'), (SELECT max(id) FROM asset));
