-- count_cells
-- How many assets are on the map in the cells named, and of them those of these kinds and themes: by the pyramid alone.
SELECT coalesce(sum(n), 0)::bigint AS here,
       coalesce(sum(n) FILTER (
         WHERE (CAST(:kinds AS text[]) IS NULL OR kind = ANY(CAST(:kinds AS text[])))
         AND (CAST(:themes AS text[]) IS NULL OR theme = ANY(CAST(:themes AS text[])))), 0)::bigint AS matching
FROM (
  SELECT kind, theme, n FROM map_cell
  WHERE level = CAST(:level AS smallint) AND cell = ANY(CAST(:cells AS bigint[]))
  UNION ALL
  SELECT kind, theme, n FROM map_change WHERE cell >> CAST(:shift AS int) = ANY(CAST(:cells AS bigint[]))
) AS part
