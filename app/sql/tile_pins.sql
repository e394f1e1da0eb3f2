-- tile_pins
-- A tile of zoom 14 or more in one pass over the index of pins: single pins in a layer for each kind; what shares a cell of
-- zoom 22 stands on one spot and is a cluster. With more than :most pins nothing is drawn, and crowd says how many there
-- are, as far as :many. The bounds are sub-selects so that the plan does not depend on them and is made once.
WITH here AS MATERIALIZED (
  SELECT cell, kind, theme, stage, uid, title, civic_world_x(anchor) AS x, civic_world_y(anchor) AS y,
         count(*) OVER (PARTITION BY cell) AS n
  FROM (
    SELECT cell, kind, theme, stage, uid, title, anchor FROM asset
    WHERE on_map AND cell >= (SELECT CAST(:low AS bigint)) AND cell < (SELECT CAST(:high AS bigint))
      AND (CAST(:kinds AS text[]) IS NULL OR kind = ANY(CAST(:kinds AS text[])))
      AND (CAST(:themes AS text[]) IS NULL OR theme = ANY(CAST(:themes AS text[])))
    ORDER BY cell LIMIT CAST(:most AS int) + 1
  ) AS pin
),
size AS (SELECT count(*) AS n FROM here),
layers AS (
  SELECT layer AS name, ST_AsMVT(feature, layer, 4096, 'geom') AS bytes
  FROM here
  CROSS JOIN LATERAL (
    SELECT (CAST(:layer_names AS text[]))[array_position(CAST(:kind_names AS text[]), here.kind::text)] AS layer
  ) AS named
  CROSS JOIN LATERAL (
    SELECT ST_MakePoint((x - CAST(:left AS bigint)) * 4096 / CAST(:size AS bigint),
                        (y - CAST(:top AS bigint)) * 4096 / CAST(:size AS bigint)) AS geom,
           here.uid, here.title, here.kind, here.theme, here.stage
  ) AS feature
  WHERE here.n = 1 AND (SELECT n FROM size) <= CAST(:most AS int)
  GROUP BY layer
  UNION ALL
  SELECT 'clusters', ST_AsMVT(feature, 'clusters', 4096, 'geom')
  FROM (
    SELECT ST_MakePoint((div(sum(x), sum(n))::bigint - CAST(:left AS bigint)) * 4096 / CAST(:size AS bigint),
                        (div(sum(y), sum(n))::bigint - CAST(:top AS bigint)) * 4096 / CAST(:size AS bigint)) AS geom,
           sum(n)::bigint AS count, jsonb_object_agg(kind, n) AS kinds, true AS stack
    FROM (SELECT cell, kind, count(*) AS n, sum(x) AS x, sum(y) AS y FROM here WHERE here.n > 1 GROUP BY cell, kind) AS part
    GROUP BY cell ORDER BY cell
  ) AS feature
  WHERE (SELECT n FROM size) <= CAST(:most AS int)
)
SELECT (SELECT string_agg(bytes, ''::bytea ORDER BY name) FROM layers) AS tile,
  CASE WHEN (SELECT n FROM size) > CAST(:most AS int) THEN (
    SELECT count(*) FROM (
      SELECT FROM asset
      WHERE on_map AND cell >= (SELECT CAST(:low AS bigint)) AND cell < (SELECT CAST(:high AS bigint))
        AND (CAST(:kinds AS text[]) IS NULL OR kind = ANY(CAST(:kinds AS text[])))
        AND (CAST(:themes AS text[]) IS NULL OR theme = ANY(CAST(:themes AS text[])))
      LIMIT CAST(:many AS int)
    ) AS pin
  ) ELSE 0 END AS crowd,
  civic_shapes(
    CAST(:z AS int), CAST(:x AS int), CAST(:y AS int), :west, :south, :east, :north, :seen, CAST(:most_shapes AS int),
    CAST(:kinds AS text[]), CAST(:themes AS text[])) AS shapes
