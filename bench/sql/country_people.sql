-- country_people
-- Persons, and the runs that brought in what was imported: one for each source.
INSERT INTO person (id, name, created_at) OVERRIDING SYSTEM VALUE
SELECT i, 'Resident ' || i, timestamptz '2023-01-01 09:00Z' + interval '3 years' * bench.unit(i, 90)
FROM generate_series(1, %(people)s) AS i;
SELECT setval(pg_get_serial_sequence('person', 'id'), %(people)s);
INSERT INTO import_run (id, source, file_name, kind, rows_read, created, already_there, rejected, created_at)
OVERRIDING SYSTEM VALUE
SELECT i, 'Source ' || i, 'source-' || i || '.csv', 'place', 0, 0, 0, 0, timestamptz '2023-01-01 09:00Z'
FROM generate_series(1, 20) AS i;
SELECT setval(pg_get_serial_sequence('import_run', 'id'), 20);
