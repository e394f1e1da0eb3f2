-- import_note
-- Note the rows that need a person: refused, without a place, in conflict. Returns those refused.
WITH noted AS (
  INSERT INTO import_noted (line, fate, title, reason, asset_uid, geom, before, after, fingerprint, digest)
  SELECT line, coalesce(place.fate, 'rejected'), incoming.title,
    CASE place.fate
      WHEN 'unplaced' THEN incoming.unplaced || coalesce('; the postcode ' || incoming.postcode || ' is not among those loaded', '')
      WHEN 'conflict' THEN 'people have changed it since it was brought in'
      ELSE place.reason END,
    asset.uid, place.anchor,
    CASE WHEN place.fate = 'conflict' THEN jsonb_build_object(
      'title', asset.title, 'summary', asset.summary, 'body', asset.body, 'organiser', asset.organiser,
      'website', asset.website, 'details', asset.details, 'geom', asset.geom::text, 'stage', asset.stage) END,
    CASE WHEN place.fate IN ('conflict', 'unplaced') THEN jsonb_build_object(
      'title', incoming.title, 'summary', incoming.summary, 'body', incoming.body, 'organiser', incoming.organiser,
      'website', incoming.website, 'details', incoming.details, 'geom', place.geom::text) END,
    incoming.fingerprint, incoming.digest
  FROM incoming JOIN incoming_place AS place USING (line) LEFT JOIN asset ON asset.id = place.asset_id
  WHERE place.reason IS NOT NULL OR place.fate IN ('unplaced', 'conflict')
  RETURNING line, fate, reason, title
)
SELECT line, reason, title FROM noted WHERE fate = 'rejected' ORDER BY line
