-- areas_parents
-- The parent of a current area is the current area of the next larger level around its point on surface.
WITH ranked AS NOT MATERIALIZED (
  SELECT id, code, geom, parent_id, array_position(CAST(:levels AS text[]), level::text) AS rank
  FROM area WHERE ended_at IS NULL
),
found AS (
  SELECT child.id, CASE WHEN child.rank < (SELECT max(rank) FROM ranked) THEN (
    SELECT larger.id FROM ranked AS larger
    WHERE larger.rank > child.rank AND ST_Covers(larger.geom, ST_PointOnSurface(child.geom))
    ORDER BY larger.rank, larger.code COLLATE "C" LIMIT 1
  ) END AS parent_id
  FROM ranked AS child
)
UPDATE area SET parent_id = found.parent_id
FROM found WHERE area.id = found.id AND area.parent_id IS DISTINCT FROM found.parent_id
