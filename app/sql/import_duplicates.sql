-- import_duplicates
-- Likely duplicates of the new assets: within 100 m of another published one, in this file or on the map, of a similar title.
-- Of each new asset the fifty nearest others are looked at; a pair of new ones is noted once.
INSERT INTO import_noted (line, fate, title, reason, asset_uid, geom)
SELECT own.line, 'duplicate', new.title,
  round(twin.metres) || ' m from ''' || twin.title || '''' || CASE WHEN twin.import_id = :import_id THEN ', in the same file' ELSE '' END,
  twin.uid, new.anchor
FROM asset AS new
CROSS JOIN LATERAL (
  SELECT near.uid, near.title, near.import_id, near.metres FROM (
    SELECT other.id, other.uid, other.title, other.import_id, other.state, other.audience, other.stage,
      ST_DistanceSphere(other.anchor, new.anchor) AS metres
    FROM asset AS other
    WHERE other.anchor && ST_Expand(new.anchor, 100 / 111000.0 / greatest(0.05, cos(radians(ST_Y(new.anchor)))), 100 / 110000.0)
    ORDER BY other.anchor <-> new.anchor LIMIT 50
  ) AS near
  WHERE near.id <> new.id AND near.state = 'published' AND near.audience = 'public' AND near.stage <> 'ended' AND near.metres <= 100
    AND similarity(near.title, new.title) >= 0.5
    AND (near.import_id IS DISTINCT FROM :import_id OR near.id < new.id)
  ORDER BY similarity(near.title, new.title) DESC, near.metres, near.id LIMIT 1
) AS twin
LEFT JOIN import_noted AS own ON own.asset_uid = new.uid AND own.fate = 'created'
WHERE new.import_id = :import_id AND new.anchor IS NOT NULL
ORDER BY new.id
