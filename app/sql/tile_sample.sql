-- tile_sample
-- Assets on the map from all over a tile: from each square of a level that holds any, at most an even share of :most. Each
-- stands for so many of its square. How many a square holds is counted by the pyramid, or through the index of pins.
WITH square AS MATERIALIZED (
  SELECT cell, sum(n)::float8 AS n
  FROM (
    SELECT cell, kind, theme, n FROM map_cell
    WHERE CAST(:counted AS boolean) AND level = CAST(:level AS smallint)
      AND cell >= CAST(:low AS bigint) >> CAST(:shift AS int) AND cell < CAST(:high AS bigint) >> CAST(:shift AS int)
    UNION ALL
    SELECT cell >> CAST(:shift AS int), kind, theme, n FROM map_change
    WHERE CAST(:counted AS boolean) AND cell >= CAST(:low AS bigint) AND cell < CAST(:high AS bigint)
    UNION ALL
    SELECT cell >> CAST(:shift AS int), kind, theme, 1 FROM asset
    WHERE NOT CAST(:counted AS boolean) AND on_map AND cell >= CAST(:low AS bigint) AND cell < CAST(:high AS bigint)
  ) AS part
  WHERE (CAST(:kinds AS text[]) IS NULL OR kind = ANY(CAST(:kinds AS text[])))
    AND (CAST(:themes AS text[]) IS NULL OR theme = ANY(CAST(:themes AS text[])))
  GROUP BY cell HAVING sum(n) > 0
)
SELECT pin.id, square.n / count(*) OVER (PARTITION BY square.cell) AS weight
FROM square CROSS JOIN LATERAL (
  SELECT id FROM asset
  WHERE on_map AND asset.cell >= square.cell << CAST(:shift AS int)
    AND asset.cell < (square.cell + 1) << CAST(:shift AS int)
    AND (CAST(:kinds AS text[]) IS NULL OR kind = ANY(CAST(:kinds AS text[])))
    AND (CAST(:themes AS text[]) IS NULL OR theme = ANY(CAST(:themes AS text[])))
  ORDER BY asset.cell LIMIT greatest(1, CAST(:most AS int) / (SELECT count(*) FROM square))
) AS pin
