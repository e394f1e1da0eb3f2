-- count_kinds
-- How many assets of each kind and theme are on the map, without reading one of them.
SELECT kind, theme, sum(n)::bigint AS n
FROM (
  SELECT kind, theme, n FROM map_cell WHERE level = 3
  UNION ALL
  SELECT kind, theme, n FROM map_change
) AS part
GROUP BY kind, theme
HAVING sum(n) > 0
