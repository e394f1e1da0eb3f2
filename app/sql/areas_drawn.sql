-- areas_drawn
-- The current areas of a level as a GeoJSON FeatureCollection in one text, simplified to about 10 m, by code, at most :most.
-- The properties are those of catalogue.AreaOut.
WITH drawn AS (
  SELECT area.code, area.id, area.geom, area.name, area.level, parent.code AS parent, area.population,
         json_build_object('name', boundary_set.name, 'illustrative', boundary_set.illustrative,
                           'valid_from', boundary_set.valid_from, 'attribution', boundary_set.attribution) AS set,
         ST_PointOnSurface(area.geom) AS centre
  FROM area JOIN boundary_set ON boundary_set.id = area.set_id LEFT JOIN area AS parent ON parent.id = area.parent_id
  WHERE area.ended_at IS NULL AND area.level = :level
  ORDER BY area.code, area.id LIMIT CAST(:most AS int)
)
SELECT '{"type":"FeatureCollection","features":[' || coalesce(string_agg(feature::text, ',' ORDER BY code, id), '') || ']}'
  AS collection
FROM drawn CROSS JOIN LATERAL (
  SELECT json_build_object(
    'type', 'Feature', 'id', code,
    'geometry', CAST(ST_AsGeoJSON(ST_SimplifyPreserveTopology(geom, 0.0001), 5) AS json),
    'properties', json_build_object(
      'code', code, 'name', name, 'level', level, 'parent', parent, 'population', population, 'set', set,
      'bbox', ARRAY[round(ST_XMin(geom)::numeric, 6), round(ST_YMin(geom)::numeric, 6),
                    round(ST_XMax(geom)::numeric, 6), round(ST_YMax(geom)::numeric, 6)]::float8[],
      'centre', ARRAY[round(ST_X(centre)::numeric, 6), round(ST_Y(centre)::numeric, 6)]::float8[]
    )
  ) AS feature
) AS made
