-- verify_map
-- Count everything again and compare it, level by level, with the pyramid and its change log. Drift is the number of
-- (cell, kind, theme), and of (cell, kind) for all themes together, whose count or position sum differs; counted is what the
-- assets say.
WITH base AS MATERIALIZED (
  SELECT cell >> 12 AS cell, kind, theme, count(*) AS n, sum(civic_world_x(anchor)) AS sx, sum(civic_world_y(anchor)) AS sy
  FROM asset WHERE on_map GROUP BY 1, 2, 3
),
near AS MATERIALIZED (
  SELECT level, cell >> (2 * (16 - level)) AS cell, kind, theme, sum(n) AS n, sum(sx) AS sx, sum(sy) AS sy
  FROM base CROSS JOIN generate_series(13, 16) AS level GROUP BY 1, 2, 3, 4
),
themed AS (
  SELECT level, cell, kind, theme, n, sx, sy FROM near
  UNION ALL
  SELECT above.level, cell >> (2 * (13 - above.level)), kind, theme, sum(n), sum(sx), sum(sy)
  FROM near CROSS JOIN generate_series(3, 12) AS above (level) WHERE near.level = 13 GROUP BY 1, 2, 3, 4
),
wanted AS (
  SELECT * FROM themed
  UNION ALL
  SELECT -level, cell, kind, '', sum(n), sum(sx), sum(sy) FROM themed GROUP BY level, cell, kind
),
waiting AS (
  SELECT level, cell >> (2 * (22 - level)) AS cell, kind, theme, n, sx, sy
  FROM map_change CROSS JOIN generate_series(3, 16) AS level
),
stored AS (
  SELECT level, cell, kind, theme, sum(n) AS n, sum(sx) AS sx, sum(sy) AS sy
  FROM (
    SELECT level::int, cell, kind, theme, n, sx, sy FROM map_cell
    UNION ALL
    SELECT * FROM waiting
    UNION ALL
    SELECT -level, cell, kind, '', n, sx, sy FROM waiting
  ) AS part
  GROUP BY 1, 2, 3, 4
),
compared AS (
  SELECT abs(level) AS level, CASE WHEN level > 0 THEN coalesce(wanted.n, 0) ELSE 0 END AS n,
         (coalesce(wanted.n, 0), coalesce(wanted.sx, 0), coalesce(wanted.sy, 0))
           <> (coalesce(stored.n, 0), coalesce(stored.sx, 0), coalesce(stored.sy, 0)) AS differs
  FROM wanted FULL JOIN stored USING (level, cell, kind, theme)
)
SELECT level, coalesce(sum(n), 0)::bigint AS counted, count(*) FILTER (WHERE differs) AS drift
FROM generate_series(3, 16) AS level LEFT JOIN compared USING (level)
GROUP BY level ORDER BY level
