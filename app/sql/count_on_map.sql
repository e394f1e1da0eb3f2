-- count_on_map
-- How many assets of these kinds and themes are on the map, without reading one of them.
SELECT coalesce(sum(n), 0)::bigint
FROM (
  SELECT kind, theme, n FROM map_cell WHERE level = 3
  UNION ALL
  SELECT kind, theme, n FROM map_change
) AS part
WHERE (CAST(:kinds AS text[]) IS NULL OR kind = ANY(CAST(:kinds AS text[])))
  AND (CAST(:themes AS text[]) IS NULL OR theme = ANY(CAST(:themes AS text[])))
