-- areas_parents
-- The parent of a current area is the current area of the next larger level around its point on surface.
UPDATE area SET parent_id = found.parent_id
FROM (
  SELECT child.id, (
    SELECT larger.id FROM area AS larger
    WHERE larger.ended_at IS NULL AND ST_Covers(larger.geom, ST_PointOnSurface(child.geom))
      AND array_position(CAST(:levels AS text[]), larger.level::text)
        > array_position(CAST(:levels AS text[]), child.level::text)
    ORDER BY array_position(CAST(:levels AS text[]), larger.level::text), larger.code COLLATE "C" LIMIT 1
  ) AS parent_id
  FROM area AS child WHERE child.ended_at IS NULL
) AS found
WHERE area.id = found.id AND area.parent_id IS DISTINCT FROM found.parent_id
