-- tile
-- One vector tile in one statement, and so in one snapshot: single pins by kind, clusters, shapes; nothing counts twice.
-- With a level (zooms 0 to 13) counts come from the pyramid and the changes that are not folded into it yet. Without one,
-- they come from the rows: those on the map, or the rows that were found where words, stages or wards were asked for.
WITH counted AS (
  SELECT cell, kind, sum(n)::bigint AS n, sum(sx)::bigint AS sx, sum(sy)::bigint AS sy
  FROM (
    SELECT cell, kind, theme, n, sx, sy FROM map_cell
    WHERE level = CAST(:level AS smallint) AND cell >= :low >> :shift AND cell < :high >> :shift
    UNION ALL
    SELECT cell >> :shift, kind, theme, n, sx, sy FROM map_change
    WHERE CAST(:level AS smallint) IS NOT NULL AND cell >= :low AND cell < :high
  ) AS part
  WHERE (CAST(:kinds AS text[]) IS NULL OR kind = ANY(CAST(:kinds AS text[])))
    AND (CAST(:themes AS text[]) IS NULL OR theme = ANY(CAST(:themes AS text[])))
  GROUP BY cell, kind
  HAVING sum(n) > 0
),
here AS MATERIALIZED (
  SELECT id, cell, kind, civic_world_x(anchor) AS x, civic_world_y(anchor) AS y FROM asset
  WHERE CAST(:level AS smallint) IS NULL AND CAST(:found AS bigint[]) IS NULL
    AND on_map AND cell >= :low AND cell < :high
    AND (CAST(:kinds AS text[]) IS NULL OR kind = ANY(CAST(:kinds AS text[])))
    AND (CAST(:themes AS text[]) IS NULL OR theme = ANY(CAST(:themes AS text[])))
  UNION ALL
  SELECT id, cell, kind, civic_world_x(anchor), civic_world_y(anchor) FROM asset
  WHERE id = ANY(CAST(:found AS bigint[])) AND cell >= :low AND cell < :high
),
-- Few rows: only what stands on one spot is a cluster. A crowd (from zoom 13 up, any): one for each square of the grid.
grain AS (
  SELECT CASE WHEN count(*) > :crowd THEN :shift ELSE 0 END AS shift FROM here
),
spot AS (
  SELECT cell, sum(n)::bigint AS n, div(sum(sx), sum(n))::bigint AS x, div(sum(sy), sum(n))::bigint AS y,
         jsonb_object_agg(kind, n) AS kinds, min(kind) AS kind, min(id) AS id
  FROM (
    SELECT cell, kind, n, sx, sy, NULL::bigint AS id FROM counted
    UNION ALL
    SELECT cell >> grain.shift, kind, count(*), sum(x)::bigint, sum(y)::bigint, min(id)
    FROM here CROSS JOIN grain GROUP BY 1, 2
  ) AS part
  GROUP BY cell
),
-- The sum of one position is that position: it leads to the row behind a count of one.
single AS (
  SELECT spot.cell, asset.*
  FROM spot CROSS JOIN LATERAL (
    SELECT uid, title, kind, theme, stage FROM asset WHERE id = spot.id
    UNION ALL
    (SELECT uid, title, kind, theme, stage FROM asset
     WHERE spot.id IS NULL AND on_map AND asset.cell = civic_spread(spot.x >> 8) | (civic_spread(spot.y >> 8) << 1)
       AND kind = spot.kind AND (CAST(:themes AS text[]) IS NULL OR theme = ANY(CAST(:themes AS text[])))
     LIMIT 1)
  ) AS asset
  WHERE spot.n = 1
),
placed AS (
  SELECT spot.*, single.uid, single.title, single.theme, single.stage,
         ST_MakePoint((x - :left) * 4096 / :size, (y - :top) * 4096 / :size) AS geom
  FROM spot LEFT JOIN single USING (cell)
),
-- The pieces of larger shapes around this tile, whatever tile their anchor belongs to; they are drawn, not counted.
outline AS (
  SELECT id, geom, uid, title, kind, theme, stage FROM asset
  WHERE CAST(:found AS bigint[]) IS NULL AND on_map AND GeometryType(geom) <> 'POINT'
    AND geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326)
    AND (CAST(:kinds AS text[]) IS NULL OR kind = ANY(CAST(:kinds AS text[])))
    AND (CAST(:themes AS text[]) IS NULL OR theme = ANY(CAST(:themes AS text[])))
  UNION ALL
  SELECT id, geom, uid, title, kind, theme, stage FROM asset
  WHERE id = ANY(CAST(:found AS bigint[])) AND GeometryType(geom) <> 'POINT'
    AND geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326)
),
layers AS (
  SELECT layer.name, ST_AsMVT(feature, layer.name, 4096, 'geom' ORDER BY feature.uid) AS bytes
  FROM unnest(CAST(:kind_names AS text[]), CAST(:layer_names AS text[])) AS layer (kind, name)
  CROSS JOIN LATERAL (
    SELECT geom, uid, title, kind, theme, stage FROM placed WHERE kind = layer.kind AND uid IS NOT NULL
  ) AS feature
  GROUP BY layer.name
  UNION ALL
  SELECT 'clusters', ST_AsMVT(feature, 'clusters', 4096, 'geom' ORDER BY cell)
  FROM placed CROSS JOIN grain CROSS JOIN LATERAL (
    SELECT placed.geom, placed.n AS count, placed.kinds
      || CASE WHEN placed.id IS NOT NULL AND grain.shift = 0 THEN '{"stack": true}'::jsonb ELSE '{}' END
      || CASE WHEN CAST(:approximate AS boolean) THEN '{"approximate": true}'::jsonb ELSE '{}' END AS kinds
  ) AS feature
  WHERE placed.uid IS NULL
  UNION ALL
  SELECT 'shapes', ST_AsMVT(feature, 'shapes', 4096, 'geom' ORDER BY id)
  FROM outline CROSS JOIN LATERAL (
    SELECT ST_AsMVTGeom(ST_Transform(outline.geom, 3857), ST_TileEnvelope(:z, :x, :y), 4096, 64) AS geom,
           outline.uid, outline.title, outline.kind, outline.theme, outline.stage
  ) AS feature
  WHERE feature.geom IS NOT NULL
    AND greatest(ST_XMax(outline.geom) - ST_XMin(outline.geom), ST_YMax(outline.geom) - ST_YMin(outline.geom)) > :pixel
)
SELECT string_agg(bytes, ''::bytea ORDER BY name) AS tile FROM layers
