-- tile_found
-- A tile of the rows that a search found. From zoom 14 on, with no more than :most of them, only what stands on one spot is a
-- cluster; else there is one for each square of the tile's grid. A row stands for :weights assets where only a sample was
-- looked at; the clusters then say that they are approximate.
WITH here AS MATERIALIZED (
  SELECT asset.cell, kind, theme, stage, uid, title, civic_world_x(anchor) AS x, civic_world_y(anchor) AS y, weight
  FROM unnest(CAST(:found AS bigint[]), CAST(:weights AS float8[])) AS given (id, weight) JOIN asset USING (id)
  WHERE asset.cell >= CAST(:low AS bigint) AND asset.cell < CAST(:high AS bigint)
),
grain AS (
  SELECT CASE WHEN count(*) > CAST(:most AS int) THEN CAST(:shift AS int) ELSE 0 END AS shift FROM here
),
part AS (
  SELECT cell >> grain.shift AS cell, kind, count(*) AS rows, round(sum(weight))::bigint AS n,
         sum(x * weight) AS sx, sum(y * weight) AS sy, sum(weight) AS weight
  FROM here CROSS JOIN grain GROUP BY 1, 2
),
spot AS (
  SELECT cell, sum(rows) = 1 AND sum(n) = 1 AS single, sum(n)::bigint AS n, jsonb_object_agg(kind, n) AS kinds,
         floor(sum(sx) / sum(weight))::bigint AS x, floor(sum(sy) / sum(weight))::bigint AS y
  FROM part GROUP BY cell
),
placed AS (
  SELECT spot.cell, spot.single, spot.n, spot.kinds,
         ST_MakePoint((x - CAST(:left AS bigint)) * 4096 / CAST(:size AS bigint),
                      (y - CAST(:top AS bigint)) * 4096 / CAST(:size AS bigint)) AS geom
  FROM spot
),
layers AS (
  SELECT layer AS name, ST_AsMVT(feature, layer, 4096, 'geom' ORDER BY placed.cell) AS bytes
  FROM placed CROSS JOIN grain JOIN here ON here.cell >> grain.shift = placed.cell
  CROSS JOIN LATERAL (
    SELECT (CAST(:layer_names AS text[]))[array_position(CAST(:kind_names AS text[]), here.kind::text)] AS layer
  ) AS named
  CROSS JOIN LATERAL (SELECT placed.geom, here.uid, here.title, here.kind, here.theme, here.stage) AS feature
  WHERE placed.single
  GROUP BY layer
  UNION ALL
  SELECT 'clusters', ST_AsMVT(feature, 'clusters', 4096, 'geom' ORDER BY cell)
  FROM placed CROSS JOIN grain CROSS JOIN LATERAL (
    SELECT placed.geom, placed.n AS count, placed.kinds
      || CASE WHEN grain.shift = 0 THEN '{"stack": true}'::jsonb ELSE '{}' END
      || CASE WHEN CAST(:approximate AS boolean) THEN '{"approximate": true}'::jsonb ELSE '{}' END AS kinds
  ) AS feature
  WHERE NOT placed.single
)
SELECT (SELECT string_agg(bytes, ''::bytea ORDER BY name) FROM layers) AS tile,
  EXISTS (SELECT FROM asset WHERE id = ANY(CAST(:found AS bigint[])) AND GeometryType(geom) <> 'POINT') AS shapes
