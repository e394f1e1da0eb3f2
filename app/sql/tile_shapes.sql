-- tile_shapes
-- The layer of lines and polygons: the pieces of them that reach into a tile, whatever tile their anchor belongs to, where
-- they are large enough to be seen. They are drawn, not counted; :found are the only ids to draw where a search was made.
SELECT ST_AsMVT(feature, 'shapes', 4096, 'geom' ORDER BY id) AS tile
FROM (
  SELECT id, geom, uid, title, kind, theme, stage FROM asset
  WHERE CAST(:found AS bigint[]) IS NULL AND on_map AND GeometryType(geom) <> 'POINT'
    AND civic_reach(geom) &&& ST_MakeLine(ST_MakePoint(:west, :south, :seen), ST_MakePoint(:east, :north, 1000))
    AND (CAST(:kinds AS text[]) IS NULL OR kind = ANY(CAST(:kinds AS text[])))
    AND (CAST(:themes AS text[]) IS NULL OR theme = ANY(CAST(:themes AS text[])))
  UNION ALL
  SELECT id, geom, uid, title, kind, theme, stage FROM asset
  WHERE id = ANY(CAST(:found AS bigint[])) AND GeometryType(geom) <> 'POINT'
    AND civic_reach(geom) &&& ST_MakeLine(ST_MakePoint(:west, :south, :seen), ST_MakePoint(:east, :north, 1000))
) AS outline
CROSS JOIN LATERAL (
  SELECT ST_AsMVTGeom(
           ST_Transform(outline.geom, 3857), ST_TileEnvelope(CAST(:z AS int), CAST(:x AS int), CAST(:y AS int)), 4096, 64
         ) AS geom, outline.uid, outline.title, outline.kind, outline.theme, outline.stage
) AS feature
WHERE feature.geom IS NOT NULL
