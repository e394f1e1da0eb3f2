-- fold_map
-- Move a part of the change log into every level of the pyramid. The caller holds the folder's lock. Returns how many rows
-- of the log were moved, and the keys that came to nothing, for the caller to remove: one statement may not touch a row twice.
WITH taken AS (
  DELETE FROM map_change WHERE id <= (SELECT max(id) FROM (SELECT id FROM map_change ORDER BY id LIMIT :most) AS first)
  RETURNING cell, kind, theme, n, sx, sy
),
-- The finest level first, and the far levels from level 13: they are sums of its few rows, not of the log's many.
finest AS (
  SELECT cell >> 12 AS cell, kind, theme, sum(n) AS n, sum(sx) AS sx, sum(sy) AS sy FROM taken GROUP BY 1, 2, 3
),
near AS MATERIALIZED (
  SELECT level, cell >> (2 * (16 - level)) AS cell, kind, theme, sum(n) AS n, sum(sx) AS sx, sum(sy) AS sy
  FROM finest CROSS JOIN generate_series(13, 16) AS level GROUP BY 1, 2, 3, 4
),
far AS (
  SELECT above.level, cell >> (2 * (13 - above.level)) AS cell, kind, theme, sum(n) AS n, sum(sx) AS sx, sum(sy) AS sy
  FROM near CROSS JOIN generate_series(3, 12) AS above (level) WHERE near.level = 13 GROUP BY 1, 2, 3, 4
),
themed AS (
  SELECT * FROM near UNION ALL SELECT * FROM far
),
-- All themes together have the level's number below zero, so that reading them does not step over each theme's row.
added AS (
  SELECT * FROM themed
  UNION ALL
  SELECT -level, cell, kind, '', sum(n), sum(sx), sum(sy) FROM themed GROUP BY level, cell, kind
),
folded AS (
  INSERT INTO map_cell AS old (level, cell, kind, theme, n, sx, sy)
  SELECT level, cell, kind, theme, n, sx, sy FROM added
  WHERE n <> 0 OR sx <> 0 OR sy <> 0
  ORDER BY level, cell
  ON CONFLICT (level, cell, kind, theme) DO UPDATE
    SET n = old.n + excluded.n, sx = old.sx + excluded.sx, sy = old.sy + excluded.sy
  RETURNING level, cell, kind, theme, n = 0 AND sx = 0 AND sy = 0 AS nothing
)
SELECT (SELECT count(*) FROM taken) AS taken,
       array_agg(level) AS levels, array_agg(cell) AS cells, array_agg(kind) AS kinds, array_agg(theme) AS themes
FROM folded WHERE nothing
