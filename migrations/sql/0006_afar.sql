-- All themes together have the level's number below zero: a tile that no theme is asked of reads a row for each kind.
LOCK TABLE map_cell IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO map_cell (level, cell, kind, theme, n, sx, sy)
SELECT -level, cell, kind, '', sum(n), sum(sx), sum(sy) FROM map_cell WHERE level > 0 GROUP BY level, cell, kind;

-- The layer of lines and polygons of a tile: the pieces of them that reach into it, whatever tile their anchor belongs to. They
-- are drawn, not counted. `seen` is the size in degrees from which one is seen, `most` how many are drawn at most. Sizes come in
-- four bands, the largest first; but for the first, a band with which there would be more is left out whole, with all below:
-- neighbouring tiles then leave out the same, and the cost does not grow with the assets stored. A function, so that its plans
-- are made once for each connection, whatever statement calls it.
CREATE FUNCTION civic_shapes(
  z int, x int, y int, west float8, south float8, east float8, north float8, seen float8, most int, kinds text[], themes text[]
) RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  low float8 := seen;
  high float8 := 1000;
  band bigint[];
  chosen bigint[] := '{}';
BEGIN
  LOOP
    SELECT coalesce(array_agg(id), '{}') INTO band FROM (
      SELECT asset.id FROM asset
      WHERE on_map AND GeometryType(geom) <> 'POINT'
        AND civic_reach(geom) &&& ST_MakeLine(ST_MakePoint(west, south, low), ST_MakePoint(east, north, high))
        AND (civic_shapes.kinds IS NULL OR asset.kind = ANY (civic_shapes.kinds))
        AND (civic_shapes.themes IS NULL OR asset.theme = ANY (civic_shapes.themes))
      LIMIT most - cardinality(chosen) + 1
    ) AS shape;
    IF low = seen AND high = 1000 THEN  -- all sizes at once, which is enough unless there are too many
      IF cardinality(band) <= most THEN
        chosen := band;
        EXIT;
      END IF;
      low := seen * 64;
      CONTINUE;
    END IF;
    EXIT WHEN high < 1000 AND cardinality(chosen || band) > most;
    chosen := (chosen || band)[1:most];
    EXIT WHEN low < seen * 2 OR cardinality(chosen) = most;
    high := low * 0.999999;
    low := low / 4;
  END LOOP;
  IF cardinality(chosen) = 0 THEN
    RETURN NULL;
  END IF;
  RETURN (
    SELECT ST_AsMVT(feature, 'shapes', 4096, 'geom' ORDER BY asset.id)
    FROM asset CROSS JOIN LATERAL (
      SELECT ST_AsMVTGeom(ST_Transform(asset.geom, 3857), ST_TileEnvelope(z, x, y), 4096, 64) AS geom,
             asset.uid, asset.title, asset.kind, asset.theme, asset.stage
    ) AS feature
    WHERE asset.id = ANY (chosen) AND feature.geom IS NOT NULL
  );
END $$;
