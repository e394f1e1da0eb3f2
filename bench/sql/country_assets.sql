-- country_assets
-- The assets numbered from first to last, with their wards and their first state; the numbers alone decide what each is.
-- Of a hundred, 55 lie in the middle of a city, 30 around it, 15 in villages on the way to the next one.
WITH fresh AS MATERIALIZED (
  SELECT i, word.theme, word.thing, word.doing, slot.name AS city, slot.lon_km, slot.lat_km, sort.kind,
         (ARRAY['Hill','Park','Station','Church','Mill','Queen''s','Market','Orchard','Canal','Victoria','School','Chapel',
           'Bridge','Garden','North','South','Meadow','Albert','Green','Castle','Windmill','Elm','Cedar','Quarry','Harbour',
           'Abbey','Union','Liberty','Poplar','Wharf'])[1 + bench.pick(i, 7, 30)] || ' '
         || (ARRAY['Road','Street','Lane','Gardens','Square','Avenue','Rise','Yard'])[1 + bench.pick(i, 8, 8)] AS street,
         CASE WHEN zone < 85 THEN slot.lon + slot.lon_km * town.x ELSE village.lon + slot.lon_km * gauss.x * 1.2 END AS lon,
         CASE WHEN zone < 85 THEN slot.lat + slot.lat_km * town.y ELSE village.lat + slot.lat_km * gauss.y * 1.2 END AS lat,
         bench.pick(i, 4, 1000) AS fate, bench.pick(i, 5, 100) AS life, bench.pick(i, 6, 100) < 60 AS imported,
         timestamptz '2023-01-01 09:00Z' + interval '3 years' * (i::float8 / %(size)s) AS at
  FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS i
  JOIN bench.slot ON slot.slot = bench.pick(i, 1, 4096)
  JOIN bench.word ON word.id = 1 + bench.pick(i, 2, %(words)s)
  CROSS JOIN LATERAL (SELECT bench.pick(i, 9, 100) AS n, bench.pick(i, 10, 100) AS zone) AS dice
  CROSS JOIN LATERAL (
    SELECT CASE WHEN n < 35 THEN 'place' WHEN n < 55 THEN 'service' WHEN n < 70 THEN 'group' WHEN n < 82 THEN 'project'
             WHEN n < 89 THEN 'idea' WHEN n < 95 THEN 'event' ELSE 'offer' END AS kind,
           bench.unit(i, 11) * 2 * pi() AS turn, bench.unit(i, 12) AS out, bench.pick(i, 13, 100) AS snap
  ) AS sort
  CROSS JOIN LATERAL (
    SELECT slot.radius_km * CASE WHEN zone < 55 THEN sqrt(out) ELSE 0.9 + 2.1 * out END AS r,
           sqrt(-2 * ln(1 - out)) AS g
  ) AS polar
  CROSS JOIN LATERAL (SELECT g * cos(turn) AS x, g * sin(turn) AS y) AS gauss
  -- Most stand on streets (every 120 m), some share a building (every 500 m).
  CROSS JOIN LATERAL (
    SELECT CASE WHEN snap < 45 THEN round(r * cos(turn) / 0.12) * 0.12 + (bench.unit(i, 14) - 0.5) * 0.02
                WHEN snap < 93 AND snap >= 90 THEN round(r * cos(turn) * 2) / 2 ELSE r * cos(turn) END AS x,
           CASE WHEN snap BETWEEN 45 AND 89 THEN round(r * sin(turn) / 0.12) * 0.12 + (bench.unit(i, 15) - 0.5) * 0.02
                WHEN snap < 93 AND snap >= 90 THEN round(r * sin(turn) * 2) / 2 ELSE r * sin(turn) END AS y
  ) AS town
  CROSS JOIN LATERAL (
    SELECT 1 + bench.pick(i, 16, 4) AS road, (1 + bench.pick(i, 17, 12)) / 13.0 AS part
  ) AS way
  CROSS JOIN LATERAL (
    SELECT slot.lon + part * (lons[road] - slot.lon) + slot.lon_km * 6 * (bench.unit(city * 48 + road * 12 + (part * 13)::int, 18) - 0.5) AS lon,
           slot.lat + part * (lats[road] - slot.lat) + slot.lat_km * 6 * (bench.unit(city * 48 + road * 12 + (part * 13)::int, 19) - 0.5) AS lat
  ) AS village
),
placed AS MATERIALIZED (
  SELECT fresh.*, CASE
    WHEN fate < 10 THEN NULL
    WHEN kind = 'offer' THEN ST_Transform(ST_SetSRID(ST_MakePoint(
      ((civic_world_x(point) >> 14) + 0.5) * 611.49622628141 - 20037508.342789244,
      20037508.342789244 - ((civic_world_y(point) >> 14) + 0.5) * 611.49622628141), 3857), 4326)
    WHEN kind = 'place' AND fate >= 970 THEN ST_MakeEnvelope(
      lon - lon_km * (0.02 + 0.1 * bench.unit(i, 20)), lat - lat_km * (0.02 + 0.1 * bench.unit(i, 21)),
      lon + lon_km * (0.02 + 0.1 * bench.unit(i, 22)), lat + lat_km * (0.02 + 0.1 * bench.unit(i, 23)), 4326)
    WHEN kind = 'project' AND fate >= 970 THEN ST_SetSRID(ST_MakeLine(ARRAY[
      ST_MakePoint(lon - lon_km * bench.unit(i, 20), lat - lat_km * bench.unit(i, 21)), ST_MakePoint(lon, lat),
      ST_MakePoint(lon + lon_km * bench.unit(i, 22), lat + lat_km * bench.unit(i, 23))]), 4326)
    ELSE point END AS geom
  FROM fresh CROSS JOIN LATERAL (SELECT ST_SetSRID(ST_MakePoint(round(lon::numeric, 7)::float8, round(lat::numeric, 7)::float8), 4326) AS point) AS spot
),
lying AS MATERIALIZED (
  SELECT placed.*, area.id AS area_id, area.code AS ward
  FROM placed LEFT JOIN LATERAL (
    SELECT id, code FROM area
    WHERE ST_Covers(area.geom, CASE WHEN GeometryType(placed.geom) = 'POINT' THEN placed.geom ELSE ST_PointOnSurface(placed.geom) END)
      AND area.ended_at IS NULL
    ORDER BY code COLLATE "C" LIMIT 1
  ) AS area ON true
),
told AS (
  SELECT lying.*,
    CASE kind
      WHEN 'idea' THEN initcap(left(thing, 1)) || substr(thing, 2) || ' for ' || street
      WHEN 'offer' THEN 'I can help with the ' || thing
      WHEN 'event' THEN 'Open day: ' || thing || ', ' || street
      WHEN 'group' THEN 'Friends of the ' || thing || ', ' || street
      ELSE street || ' ' || thing END AS title,
    doing || '. ' || (ARRAY['Everybody in ' || city || ' is welcome', 'Run by volunteers from ' || city, 'Helpers are needed at weekends',
      'Open on weekdays', 'Started by three neighbours', 'Ask at the library in ' || city])[1 + bench.pick(i, 24, 6)] || '.' AS summary,
    CASE WHEN bench.pick(i, 25, 10) = 0 THEN 'It began with a **conversation** on ' || street || '. Now people come from all over ' || city
      || E'.\n\n- bring a friend\n- bring an idea\n\nWe meet again next month.' ELSE '' END AS body,
    CASE WHEN fate BETWEEN 10 AND 19 THEN 'hidden' WHEN fate BETWEEN 20 AND 24 THEN 'pending' WHEN fate BETWEEN 25 AND 29 THEN 'withdrawn'
      WHEN fate BETWEEN 30 AND 34 THEN 'draft' ELSE 'published' END AS state,
    CASE WHEN kind IN ('idea', 'event') THEN CASE WHEN life < 6 THEN 'ended' ELSE 'planned' END
      WHEN life < 4 THEN 'ended' WHEN life < 14 AND kind <> 'offer' THEN 'planned' ELSE 'active' END AS stage,
    CASE kind
      WHEN 'project' THEN jsonb_build_object('how_to_join', 'Come on Saturday morning', 'who_benefits', 'Anyone nearby', 'address', street)
      WHEN 'idea' THEN jsonb_build_object('nature', CASE WHEN life < 50 THEN 'improvement' ELSE 'ambition' END, 'first_step', '')
      WHEN 'offer' THEN jsonb_build_object('nature', 'skill', 'availability', 'Evenings', 'reach_m', 2000)
      WHEN 'place' THEN jsonb_build_object('use', CASE WHEN life < 70 THEN 'in-use' ELSE 'unused' END, 'access', '', 'address', street, 'telephone', '')
      WHEN 'service' THEN jsonb_build_object('provider', city || ' council', 'for_whom', 'Anyone', 'cost', 'free', 'hours', 'Weekdays 9 to 17',
        'address', street, 'telephone', '')
      WHEN 'group' THEN jsonb_build_object('meets', 'First Tuesday at seven', 'open_to_new_members', true, 'address', street)
      ELSE jsonb_build_object('venue', street, 'cost', 'Free', 'booking', NULL) END AS details
  FROM lying
),
made AS (
  INSERT INTO asset (
    id, uid, kind, title, summary, body, theme, state, stage, owner_id, organiser, details, location_class, geom, area_id, ward,
    starts_at, ends_at, published_at, ended_at, via, import_id, source, fingerprint, created_at, updated_at)
  OVERRIDING SYSTEM VALUE
  SELECT i, encode(int8send(hashint8extended(i, 31)) || int8send(hashint8extended(i, 32)), 'hex')::uuid, kind, title, summary, body, theme, state, stage,
    CASE WHEN NOT imported THEN 1 + bench.pick(i, 33, %(people)s) END, CASE WHEN kind IN ('service', 'project') THEN city || ' Together' ELSE '' END,
    details, CASE WHEN kind = 'offer' THEN 'person' ELSE 'place' END, geom,
    NULL, ward,
    CASE WHEN kind = 'event' THEN timestamptz '2030-01-01 18:00Z' + interval '1 day' * bench.pick(i, 34, 700) END,
    CASE WHEN kind = 'event' THEN timestamptz '2030-01-01 20:00Z' + interval '1 day' * bench.pick(i, 34, 700) END,
    CASE WHEN state NOT IN ('draft', 'pending') THEN at END, CASE WHEN stage = 'ended' THEN at END,
    CASE WHEN imported THEN 'import' ELSE 'web' END,
    CASE WHEN imported THEN 1 + bench.pick(i, 35, 20) END, CASE WHEN imported THEN 'Source ' || (1 + bench.pick(i, 35, 20)) END,
    CASE WHEN imported THEN int8send(hashint8extended(i, 36)) || int8send(i) END, at, at
  FROM told
),
inside AS (
  INSERT INTO asset_area (asset_id, area_id) SELECT i, area_id FROM told WHERE area_id IS NOT NULL
),
begun AS (
  INSERT INTO state_change (thing, thing_id, to_state, at) SELECT 'asset', i, state, at FROM told
)
SELECT count(*) FROM told
