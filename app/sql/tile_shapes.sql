-- tile_shapes
-- The layer of lines and polygons of what a search found: the pieces of those of :found that reach into the tile and are large
-- enough to be seen. Without a search civic_shapes() draws the layer.
SELECT ST_AsMVT(feature, 'shapes', 4096, 'geom' ORDER BY asset.id) AS tile
FROM asset
CROSS JOIN LATERAL (
  SELECT ST_AsMVTGeom(
           ST_Transform(asset.geom, 3857), ST_TileEnvelope(CAST(:z AS int), CAST(:x AS int), CAST(:y AS int)), 4096, 64
         ) AS geom, asset.uid, asset.title, asset.kind, asset.theme, asset.stage
) AS feature
WHERE asset.id = ANY(CAST(:found AS bigint[])) AND GeometryType(asset.geom) <> 'POINT'
  AND civic_reach(asset.geom) &&& ST_MakeLine(ST_MakePoint(:west, :south, :seen), ST_MakePoint(:east, :north, 1000))
  AND feature.geom IS NOT NULL
