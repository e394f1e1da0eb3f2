-- report_areas
-- The areas that a report has a row for: of a named set, or those in force (now, or on the day before the instant :until);
-- only those inside the areas :scope, where some are given.
WITH around AS MATERIALIZED (
  SELECT geom FROM area
  WHERE id = ANY (CAST(:scope AS bigint[]))
    AND array_position(CAST(:levels AS text[]), level::text) > array_position(CAST(:levels AS text[]), CAST(:level AS text))
)
SELECT area.id, area.code, area.name, area.population, boundary_set.id AS set_id, boundary_set.name AS set_name,
  boundary_set.illustrative, boundary_set.valid_from, boundary_set.attribution, area.ended_at IS NULL AS current
FROM area JOIN boundary_set ON boundary_set.id = area.set_id
WHERE area.level = :level
  AND CASE
    WHEN CAST(:set_name AS text) IS NOT NULL THEN boundary_set.name = CAST(:set_name AS text)
    WHEN CAST(:until AS timestamptz) IS NULL THEN area.ended_at IS NULL
    ELSE (area.ended_at IS NULL OR area.ended_at >= CAST(:until AS timestamptz) AND NOT boundary_set.illustrative)
      AND (boundary_set.valid_from IS NULL OR boundary_set.valid_from < CAST(:until AS timestamptz))
  END
  AND (CAST(:scope AS bigint[]) IS NULL OR area.id = ANY (CAST(:scope AS bigint[])) OR EXISTS (
    SELECT FROM around WHERE ST_Covers(around.geom, ST_PointOnSurface(area.geom))
  ))
ORDER BY area.code COLLATE "C", area.id
