-- tile_sample_ended
-- The same of public assets that have ended, which are in no pyramid: every one in the tile is counted through the index of
-- what has ended.
WITH square AS MATERIALIZED (
  SELECT cell >> CAST(:shift AS int) AS cell, count(*)::float8 AS n FROM asset
  WHERE state = 'published' AND audience = 'public' AND stage = 'ended'
    AND cell >= CAST(:low AS bigint) AND cell < CAST(:high AS bigint)
    AND (CAST(:kinds AS text[]) IS NULL OR kind = ANY(CAST(:kinds AS text[])))
    AND (CAST(:themes AS text[]) IS NULL OR theme = ANY(CAST(:themes AS text[])))
  GROUP BY 1
)
SELECT pin.id, square.n / count(*) OVER (PARTITION BY square.cell) AS weight
FROM square CROSS JOIN LATERAL (
  SELECT id FROM asset
  WHERE state = 'published' AND audience = 'public' AND stage = 'ended'
    AND asset.cell >= square.cell << CAST(:shift AS int) AND asset.cell < (square.cell + 1) << CAST(:shift AS int)
    AND (CAST(:kinds AS text[]) IS NULL OR kind = ANY(CAST(:kinds AS text[])))
    AND (CAST(:themes AS text[]) IS NULL OR theme = ANY(CAST(:themes AS text[])))
  ORDER BY asset.cell LIMIT greatest(1, CAST(:most AS int) / (SELECT count(*) FROM square))
) AS pin
