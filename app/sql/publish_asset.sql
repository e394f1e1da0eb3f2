-- publish_asset
-- Pin one asset together with its areas and ward, the record of its first state, its history and its event. Areas and ward are
-- those of assign_areas and assign_wards, found before the row is written so that it is written once. No row: the uid is taken.
WITH given AS (
  SELECT place.geom, CASE WHEN GeometryType(place.geom) = 'POINT' THEN place.geom ELSE ST_PointOnSurface(place.geom) END AS anchor
  FROM (SELECT ST_GeomFromWKB(:geom, 4326) AS geom) AS place
),
inside AS MATERIALIZED (
  SELECT DISTINCT ON (area.set_id) area.id, area.code, area.level = 'ward' AND area.ended_at IS NULL AS ward
  FROM given JOIN area ON ST_Covers(area.geom, given.anchor)
  ORDER BY area.set_id, area.code COLLATE "C"
),
made AS (
  INSERT INTO asset (
    uid, kind, title, summary, body, theme, state, stage, audience, owner_id, community_id, organiser, website, licence,
    attribution, details, location_class, geom, area_id, ward, starts_at, ends_at, published_at, ended_at, via, recorded_by,
    consent)
  SELECT :uid, :kind, :title, :summary, :body, :theme, :state, :stage, :audience, :owner_id, :community_id, :organiser, :website,
    :licence, :attribution, :details, :location_class, given.geom, :area_id,
    coalesce(
      (SELECT min(code COLLATE "C") FROM inside WHERE ward),
      (SELECT code FROM area WHERE id = :area_id AND level = 'ward' AND ended_at IS NULL)),
    :starts_at, :ends_at, :published_at, :ended_at, :via, :recorded_by, :consent
  FROM given
  ON CONFLICT ON CONSTRAINT uq_asset_uid DO NOTHING
  RETURNING id, version
),
placed AS (
  INSERT INTO asset_area (asset_id, area_id) SELECT made.id, inside.id FROM made CROSS JOIN inside
),
stepped AS (
  INSERT INTO state_change (thing, thing_id, to_state, person_id) SELECT 'asset', id, :state, :owner_id FROM made
),
remembered AS (
  INSERT INTO history (person_id, actor, verb, thing, thing_uid, after)
  SELECT :owner_id, :actor, 'assets.publish', 'asset', :uid, :after FROM made
),
told AS (
  INSERT INTO outbox (event, thing_uid) SELECT 'assets.publish', :uid FROM made
)
SELECT id, version, ARRAY(SELECT id FROM inside) AS areas FROM made
