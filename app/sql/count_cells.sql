-- count_cells
-- How many assets are on the map, in the cells named, and of them those of these kinds and themes: by the pyramid alone.
SELECT coalesce(sum(n) FILTER (WHERE level = 3), 0)::bigint AS everywhere,
       coalesce(sum(n) FILTER (WHERE level IS NULL), 0)::bigint AS here,
       coalesce(sum(n) FILTER (WHERE level IS NULL
         AND (CAST(:kinds AS text[]) IS NULL OR kind = ANY(CAST(:kinds AS text[])))
         AND (CAST(:themes AS text[]) IS NULL OR theme = ANY(CAST(:themes AS text[])))), 0)::bigint AS matching
FROM (
  SELECT level, kind, theme, n FROM map_cell WHERE level = 3
  UNION ALL
  SELECT NULL, kind, theme, n FROM map_cell
  WHERE level = CAST(:level AS smallint) AND cell = ANY(CAST(:cells AS bigint[]))
  UNION ALL
  SELECT NULL, kind, theme, n FROM map_change WHERE cell >> CAST(:shift AS int) = ANY(CAST(:cells AS bigint[]))
) AS part
