-- report_outline
-- One area as it is stored: as WKB, and as GeoJSON (RFC 7946: outer rings counterclockwise; seven decimals are a centimetre).
SELECT ST_AsBinary(geom) AS wkb, ST_AsGeoJSON(ST_ForcePolygonCCW(geom), 7) AS geojson FROM area WHERE id = :area
