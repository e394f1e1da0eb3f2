-- How somebody who knows SQL brings the postcodes in by hand; bench/imports.py runs these statements in one transaction.
-- Numbers and points are made while COPY writes each row: nothing is written twice.
CREATE TEMPORARY TABLE raw (
  postcode text, lon float, lat float, wd13 text,
  id bigint DEFAULT nextval(pg_get_serial_sequence('asset', 'id')),
  geom geometry(Point, 4326) GENERATED ALWAYS AS (ST_SetSRID(ST_MakePoint(lon, lat), 4326)) STORED
) ON COMMIT DROP;

COPY raw (postcode, lon, lat, wd13) FROM STDIN WITH (FORMAT csv, HEADER);

ANALYZE raw;

CREATE TEMPORARY TABLE lies ON COMMIT DROP AS
SELECT DISTINCT ON (raw.id, area.set_id) raw.id, area.id AS area_id, area.code,
  area.level = 'ward' AND area.ended_at IS NULL AS ward
FROM raw JOIN area ON ST_Covers(area.geom, raw.geom)
ORDER BY raw.id, area.set_id, area.code COLLATE "C";

ANALYZE lies;

INSERT INTO asset (
  id, kind, title, body, theme, state, stage, details, geom, ward, via, published_at, import_id, source, fingerprint)
SELECT raw.id, 'place', postcode,
  CASE WHEN wd13 <> '' THEN '- Wd13: ' || wd13 ELSE '' END, 'other', 'published', 'active',
  '{"use": "in-use", "access": "", "address": "", "telephone": ""}', geom, lies.code, 'import', now(),
  (SELECT max(id) FROM import_run), %(source)s, sha256(convert_to(postcode || lon || lat || coalesce(wd13, ''), 'UTF8'))
FROM raw LEFT JOIN lies ON lies.id = raw.id AND lies.ward ORDER BY raw.id;

INSERT INTO asset_area (asset_id, area_id) SELECT id, area_id FROM lies;
