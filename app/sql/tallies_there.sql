-- tallies_there
-- Which row each tally counts in, where the rows are wards of today (:areas), and what was kept of those that do not wait
-- (:waiting). What stands for an area counts in the row of that area or the one around it, as in report_placed; else -1. With
-- a scope, of the wards in it and of what stands for an area in it alone. `counting_persons`: only those that do.
WITH row_area AS MATERIALIZED (
  SELECT id, level, code, geom FROM area WHERE id = ANY (CAST(:areas AS bigint[]))
),
ward AS MATERIALIZED (
  SELECT code, min(id) AS id FROM row_area GROUP BY code
),
names AS MATERIALIZED (
  SELECT place FROM tally
  WHERE place <> ALL (CAST(:waiting AS text[])) AND (NOT CAST(:counting_persons AS boolean) OR (figures -> 2) <> '{}'::jsonb)
  UNION ALL
  SELECT unnest(CAST(:waiting AS text[]))
),
wide AS MATERIALIZED (
  SELECT names.place, row_area.id AS row_place, own.level AS own_level, own.geom, own.id
  FROM names JOIN area AS own ON own.id = substr(names.place, 2)::bigint
  LEFT JOIN LATERAL (
    SELECT row_area.id FROM row_area
    WHERE row_area.level = own.level AND row_area.code = own.code
      OR array_position(CAST(:levels AS text[]), own.level::text) < array_position(CAST(:levels AS text[]), row_area.level::text)
        AND ST_Covers(row_area.geom, ST_PointOnSurface(own.geom))
    ORDER BY row_area.code COLLATE "C" LIMIT 1
  ) AS row_area ON true
  WHERE names.place LIKE '@%'
),
spot AS MATERIALIZED (
  SELECT names.place, CASE WHEN names.place LIKE '@%' THEN coalesce(wide.row_place, -1) ELSE coalesce(ward.id, 0) END AS row_place
  FROM names LEFT JOIN ward ON ward.code = names.place LEFT JOIN wide ON wide.place = names.place
  WHERE CAST(:scope AS bigint[]) IS NULL OR ward.id IS NOT NULL OR wide.id IS NOT NULL AND EXISTS (
    SELECT FROM area AS looked_at WHERE looked_at.id = ANY (CAST(:scope AS bigint[])) AND (
      looked_at.id = wide.id
      OR array_position(CAST(:levels AS text[]), wide.own_level::text) < array_position(CAST(:levels AS text[]), looked_at.level::text)
        AND ST_Covers(looked_at.geom, ST_PointOnSurface(wide.geom))))
)
SELECT spot.place, spot.row_place, tally.figures
FROM spot LEFT JOIN tally ON tally.place = spot.place AND tally.place <> ALL (CAST(:waiting AS text[]))
