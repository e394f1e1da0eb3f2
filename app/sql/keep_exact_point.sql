-- keep_exact_point
-- Put the exact point of an asset into the vault. The key comes from the caller: the service may not read what it puts there.
INSERT INTO vault.exact_point (uid, asset_uid, geom) VALUES (:uid, :asset_uid, ST_GeomFromWKB(:geom, 4326))
