-- tile_pyramid
-- A tile from the pyramid and the changes that are not folded into it yet, in one snapshot: a cluster, or the single pin, for
-- each cell of the level. Its cost depends on the cells drawn, not on the assets stored. Where no theme was asked for it reads
-- the counts of all themes together: a row for each kind instead of one for each kind and theme.
WITH counted AS (
  SELECT cell, kind, sum(n)::bigint AS n, sum(sx)::bigint AS sx, sum(sy)::bigint AS sy
  FROM (
    SELECT cell, kind, theme, n, sx, sy FROM map_cell
    WHERE level = CASE WHEN CAST(:themes AS text[]) IS NULL THEN -CAST(:level AS int) ELSE CAST(:level AS int) END::smallint
      AND cell >= CAST(:low AS bigint) >> CAST(:shift AS int)
      AND cell < CAST(:high AS bigint) >> CAST(:shift AS int)
    UNION ALL
    SELECT cell >> CAST(:shift AS int), kind, theme, n, sx, sy FROM map_change
    WHERE cell >= CAST(:low AS bigint) AND cell < CAST(:high AS bigint)
  ) AS part
  WHERE (CAST(:kinds AS text[]) IS NULL OR kind = ANY(CAST(:kinds AS text[])))
    AND (CAST(:themes AS text[]) IS NULL OR theme = ANY(CAST(:themes AS text[])))
  GROUP BY cell, kind
  HAVING sum(n) > 0
),
spot AS (
  SELECT cell, sum(n)::bigint AS n, div(sum(sx), sum(n))::bigint AS x, div(sum(sy), sum(n))::bigint AS y,
         jsonb_object_agg(kind, n) AS kinds, min(kind) AS kind
  FROM counted GROUP BY cell
),
-- The sum of one position is that position: it leads to the row behind a count of one.
placed AS (
  SELECT spot.cell, spot.n, spot.kinds, single.uid, single.title, spot.kind, single.theme, single.stage,
         ST_MakePoint((x - CAST(:left AS bigint)) * 4096 / CAST(:size AS bigint),
                      (y - CAST(:top AS bigint)) * 4096 / CAST(:size AS bigint)) AS geom
  FROM spot LEFT JOIN LATERAL (
    SELECT uid, title, theme, stage FROM asset
    WHERE spot.n = 1 AND on_map AND asset.cell = civic_spread(spot.x >> 8) | (civic_spread(spot.y >> 8) << 1)
      AND asset.kind = spot.kind AND (CAST(:themes AS text[]) IS NULL OR theme = ANY(CAST(:themes AS text[])))
    LIMIT 1
  ) AS single ON true
),
layers AS (
  SELECT layer AS name, ST_AsMVT(feature, layer, 4096, 'geom' ORDER BY placed.cell) AS bytes
  FROM placed
  CROSS JOIN LATERAL (
    SELECT (CAST(:layer_names AS text[]))[array_position(CAST(:kind_names AS text[]), placed.kind::text)] AS layer
  ) AS named
  CROSS JOIN LATERAL (
    SELECT placed.geom, placed.uid, placed.title, placed.kind, placed.theme, placed.stage
  ) AS feature
  WHERE placed.uid IS NOT NULL
  GROUP BY layer
  UNION ALL
  SELECT 'clusters', ST_AsMVT(feature, 'clusters', 4096, 'geom' ORDER BY cell)
  FROM placed CROSS JOIN LATERAL (SELECT placed.geom, n AS count, placed.kinds) AS feature
  WHERE placed.uid IS NULL
)
SELECT (SELECT string_agg(bytes, ''::bytea ORDER BY name) FROM layers) AS tile,
  civic_shapes(
    CAST(:z AS int), CAST(:x AS int), CAST(:y AS int), :west, :south, :east, :north, :seen, CAST(:most_shapes AS int),
    CAST(:kinds AS text[]), CAST(:themes AS text[])) AS shapes
