-- views
-- What the other servers see: the pins of our tiles, and the assets of our list with the same columns (tipg is told to take
-- `anchor`, which has an index, for their geometry). Safe to run again.
CREATE SCHEMA IF NOT EXISTS bench;
GRANT USAGE ON SCHEMA bench TO civic_read, civic_write;
CREATE OR REPLACE VIEW bench.pins AS
  SELECT id, uid, title, kind, theme, stage, anchor AS geom FROM asset WHERE on_map;
CREATE OR REPLACE VIEW bench.assets AS
  SELECT asset.id, asset.uid, asset.kind, title, asset.summary, body, theme, asset.state, stage, audience, organiser, website,
         licence, asset.attribution, details, location_class, starts_at, ends_at, published_at, asset.ended_at,
         asset.created_at, updated_at, version, asset.via, appreciation_count, ST_X(anchor) AS lon, ST_Y(anchor) AS lat,
         asset.ward AS ward_code, ward.name AS ward_name, owner.uid AS owner_uid, owner.name AS owner_name,
         home.uid AS community_uid, home.name AS community_name, asset.anchor, asset.geom
  FROM asset
  LEFT JOIN area AS ward ON ward.code = asset.ward AND ward.level = 'ward' AND ward.ended_at IS NULL
  LEFT JOIN person AS owner ON owner.id = asset.owner_id AND owner.state <> 'erased'
  LEFT JOIN community AS home ON home.id = asset.community_id
  WHERE asset.state = 'published' AND asset.audience = 'public' AND asset.stage <> 'ended';
GRANT SELECT ON bench.pins, bench.assets TO civic_read, civic_write;
