-- rebuild_map
-- Make the pyramid again from the assets, in one snapshot: the log rows of that snapshot are in the assets already, so they
-- go; writers meanwhile append new ones and wait for nothing. The caller holds the folder's lock. Only what differs is written.
WITH gone AS (
  DELETE FROM map_change
),
base AS MATERIALIZED (
  SELECT cell >> 12 AS cell, kind, theme, count(*) AS n, sum(civic_world_x(anchor)) AS sx, sum(civic_world_y(anchor)) AS sy
  FROM asset WHERE on_map GROUP BY 1, 2, 3
),
near AS MATERIALIZED (
  SELECT level, cell >> (2 * (16 - level)) AS cell, kind, theme, sum(n) AS n, sum(sx) AS sx, sum(sy) AS sy
  FROM base CROSS JOIN generate_series(13, 16) AS level GROUP BY 1, 2, 3, 4
),
themed AS (
  SELECT level::smallint AS level, cell, kind, theme, n::int AS n, sx::bigint AS sx, sy::bigint AS sy FROM near
  UNION ALL
  SELECT above.level::smallint, cell >> (2 * (13 - above.level)), kind, theme, sum(n)::int, sum(sx)::bigint, sum(sy)::bigint
  FROM near CROSS JOIN generate_series(3, 12) AS above (level) WHERE near.level = 13 GROUP BY 1, 2, 3, 4
),
wanted AS (
  SELECT * FROM themed
  UNION ALL
  SELECT -level, cell, kind, '', sum(n)::int, sum(sx)::bigint, sum(sy)::bigint FROM themed GROUP BY level, cell, kind
),
change AS (
  SELECT level, cell, kind, theme, wanted.n, wanted.sx, wanted.sy
  FROM wanted FULL JOIN map_cell AS old USING (level, cell, kind, theme)
  WHERE (wanted.n, wanted.sx, wanted.sy) IS DISTINCT FROM (old.n, old.sx, old.sy)
)
MERGE INTO map_cell USING change
  ON (map_cell.level, map_cell.cell, map_cell.kind, map_cell.theme) = (change.level, change.cell, change.kind, change.theme)
WHEN MATCHED AND change.n IS NULL THEN DELETE
WHEN MATCHED THEN UPDATE SET n = change.n, sx = change.sx, sy = change.sy
WHEN NOT MATCHED THEN INSERT VALUES (change.level, change.cell, change.kind, change.theme, change.n, change.sx, change.sy)
