-- fold_map
-- Move a part of the change log into every level of the pyramid. The caller holds the folder's lock. Returns how many rows
-- of the log were moved, and the keys that came to nothing, for the caller to remove: one statement may not touch a row twice.
WITH taken AS (
  DELETE FROM map_change WHERE id IN (SELECT id FROM map_change ORDER BY id LIMIT :most)
  RETURNING cell, kind, theme, n, sx, sy
),
-- The finest level first: the others are sums of its few rows, not of the log's many.
finest AS (
  SELECT cell >> 12 AS cell, kind, theme, sum(n) AS n, sum(sx) AS sx, sum(sy) AS sy FROM taken GROUP BY 1, 2, 3
),
folded AS (
  INSERT INTO map_cell AS old (level, cell, kind, theme, n, sx, sy)
  SELECT level, cell >> (2 * (16 - level)), kind, theme, sum(n), sum(sx), sum(sy)
  FROM finest CROSS JOIN generate_series(3, 16) AS level
  GROUP BY 1, 2, 3, 4
  HAVING sum(n) <> 0 OR sum(sx) <> 0 OR sum(sy) <> 0
  ORDER BY 1, 2, 3, 4
  ON CONFLICT (level, cell, kind, theme) DO UPDATE
    SET n = old.n + excluded.n, sx = old.sx + excluded.sx, sy = old.sy + excluded.sy
  RETURNING level, cell, kind, theme, n = 0 AND sx = 0 AND sy = 0 AS nothing
)
SELECT (SELECT count(*) FROM taken) AS taken,
       array_agg(level) AS levels, array_agg(cell) AS cells, array_agg(kind) AS kinds, array_agg(theme) AS themes
FROM folded WHERE nothing
