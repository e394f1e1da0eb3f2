-- tile_crowd
-- A tile of zoom 14 or more with too many pins to draw: counted through the index of pins alone, a cluster for each square
-- of the tile's grid with more than :few pins, at their mean; the pins themselves in the squares with fewer. A square that is
-- itself a cell of zoom 22 is one spot.
WITH square AS MATERIALIZED (
  SELECT cell >> CAST(:shift AS int) AS cell, kind, count(*) AS n, avg(ST_X(anchor)) AS lon, avg(ST_Y(anchor)) AS lat
  FROM asset
  WHERE on_map AND cell >= (SELECT CAST(:low AS bigint)) AND cell < (SELECT CAST(:high AS bigint))
    AND (CAST(:kinds AS text[]) IS NULL OR kind = ANY(CAST(:kinds AS text[])))
    AND (CAST(:themes AS text[]) IS NULL OR theme = ANY(CAST(:themes AS text[])))
  GROUP BY 1, 2
),
whole AS (
  SELECT cell, sum(n)::bigint AS n, jsonb_object_agg(kind, n) AS kinds,
         ST_MakePoint(sum(lon * n) / sum(n), sum(lat * n) / sum(n)) AS mean
  FROM square GROUP BY cell
),
-- Pins that share a cell of zoom 22 are a cluster here too.
spot AS MATERIALIZED (
  SELECT pin.cell, pin.kind, theme, stage, uid, title, count(*) OVER (PARTITION BY pin.cell) AS n,
         civic_world_x(anchor) AS x, civic_world_y(anchor) AS y
  FROM whole JOIN asset AS pin
    ON pin.cell >= whole.cell << CAST(:shift AS int) AND pin.cell < (whole.cell + 1) << CAST(:shift AS int)
  WHERE whole.n <= CAST(:few AS int) AND on_map
    AND (CAST(:kinds AS text[]) IS NULL OR pin.kind = ANY(CAST(:kinds AS text[])))
    AND (CAST(:themes AS text[]) IS NULL OR theme = ANY(CAST(:themes AS text[])))
),
cluster AS (
  SELECT cell << CAST(:shift AS int) AS cell, n,
         kinds || CASE WHEN CAST(:shift AS int) = 0 THEN '{"stack": true}'::jsonb ELSE '{}' END AS kinds,
         civic_world_x(mean) AS x, civic_world_y(mean) AS y
  FROM whole WHERE n > CAST(:few AS int)
  UNION ALL
  SELECT cell, sum(n)::bigint, jsonb_object_agg(kind, n) || '{"stack": true}', div(sum(x), sum(n))::bigint,
         div(sum(y), sum(n))::bigint
  FROM (SELECT cell, kind, count(*) AS n, sum(x) AS x, sum(y) AS y FROM spot WHERE n > 1 GROUP BY cell, kind) AS part
  GROUP BY cell
),
layers AS (
  SELECT layer AS name, ST_AsMVT(feature, layer, 4096, 'geom' ORDER BY spot.cell) AS bytes
  FROM spot
  CROSS JOIN LATERAL (
    SELECT (CAST(:layer_names AS text[]))[array_position(CAST(:kind_names AS text[]), spot.kind::text)] AS layer
  ) AS named
  CROSS JOIN LATERAL (
    SELECT ST_MakePoint((x - CAST(:left AS bigint)) * 4096 / CAST(:size AS bigint),
                        (y - CAST(:top AS bigint)) * 4096 / CAST(:size AS bigint)) AS geom,
           spot.uid, spot.title, spot.kind, spot.theme, spot.stage
  ) AS feature
  WHERE spot.n = 1
  GROUP BY layer
  UNION ALL
  SELECT 'clusters', ST_AsMVT(feature, 'clusters', 4096, 'geom' ORDER BY cell)
  FROM cluster CROSS JOIN LATERAL (
    SELECT ST_MakePoint((x - CAST(:left AS bigint)) * 4096 / CAST(:size AS bigint),
                        (y - CAST(:top AS bigint)) * 4096 / CAST(:size AS bigint)) AS geom, n AS count, kinds
  ) AS feature
)
SELECT string_agg(bytes, ''::bytea ORDER BY name) AS tile FROM layers
