-- import_judge
-- What becomes of each row that is not simply a new asset: already there, updated, in conflict with what people changed since,
-- without a place, or refused. A row that says what an earlier one with its key said is there; one that says else is refused.
-- :areas are those that the actor may write in; null: everywhere. :waiting: rows of this source wait for a place.
WITH told AS (
  SELECT line, coalesce(digest, fingerprint) AS digest, fingerprint,
    row_number() OVER same AS nth, first_value(line) OVER same AS first_line,
    first_value(coalesce(digest, fingerprint)) OVER same AS first_digest
  FROM incoming JOIN incoming_place USING (line) WHERE reason IS NULL
  WINDOW same AS (PARTITION BY fingerprint ORDER BY line)
),
compared AS (
  SELECT told.line, told.nth, told.digest, told.first_line, told.digest = told.first_digest AS repeats,
    asset.id AS asset_id, asset.anchor, asset.ward, waiting.id AS waiting_id,
    asset.import_id = :import_id OR EXISTS (SELECT FROM import_seen WHERE import_seen.id = asset.id AND NOT waits) AS met,
    told.digest = coalesce(asset.row_digest, asset.fingerprint) AS same_row,
    asset.version <> coalesce(asset.imported_version, 1) AS touched,
    CAST(:areas AS bigint[]) IS NOT NULL AND asset.id IS NOT NULL AND NOT EXISTS (
      SELECT FROM asset_area WHERE asset_area.asset_id = asset.id AND area_id = ANY (CAST(:areas AS bigint[]))) AS not_theirs,
    place.geom IS NULL AS nowhere, noted.digest AS noted_digest,
    CAST(:areas AS bigint[]) IS NOT NULL AND place.geom IS NOT NULL
      AND NOT coalesce(place.areas && CAST(:areas AS bigint[]), false) AS elsewhere,
    asset.stage = 'ended'
      OR (asset.title, asset.summary, asset.body, asset.organiser, asset.website, asset.details) IS DISTINCT FROM
        (incoming.title, incoming.summary, incoming.body, incoming.organiser, incoming.website, incoming.details)
      OR place.geom IS NOT NULL AND CASE
        WHEN asset.geom IS NULL THEN true
        WHEN GeometryType(place.geom) = 'POINT' AND GeometryType(asset.geom) = 'POINT'
          THEN NOT ST_DWithin(place.geom, asset.geom, 1e-7)
        ELSE NOT ST_OrderingEquals(place.geom, asset.geom) END AS changed
  FROM told JOIN incoming USING (line) JOIN incoming_place AS place USING (line)
  LEFT JOIN asset ON asset.id = place.asset_id
  LEFT JOIN LATERAL (
    SELECT id FROM import_row
    WHERE :waiting AND waits AND source_id = :source_id AND import_row.fingerprint = told.fingerprint
      AND coalesce(import_row.digest, import_row.fingerprint) = told.digest
    OFFSET 0
  ) AS waiting ON place.asset_id IS NULL AND place.geom IS NULL
  LEFT JOIN LATERAL (  -- of an earlier batch
    SELECT coalesce(one.digest, one.fingerprint) AS digest FROM import_noted AS one
    WHERE one.fate = 'unplaced' AND one.fingerprint = told.fingerprint OFFSET 0
  ) AS noted ON place.asset_id IS NULL AND place.geom IS NULL
),
judged AS (
  SELECT line, anchor, ward, CASE
    WHEN elsewhere OR not_theirs OR noted_digest <> digest OR met AND NOT same_row OR nth > 1 AND NOT repeats THEN 'rejected'
    WHEN nth > 1 OR met THEN 'there'
    WHEN asset_id IS NULL THEN CASE WHEN noted_digest = digest OR waiting_id IS NOT NULL THEN 'there' WHEN nowhere THEN 'unplaced' END
    WHEN touched THEN CASE WHEN same_row THEN 'there' ELSE 'conflict' END
    WHEN changed THEN 'updated'
    ELSE 'there' END AS fate,
    CASE
      WHEN elsewhere THEN 'it lies outside the areas that you look after'
      WHEN not_theirs THEN 'what it would change lies outside the areas that you look after'
      WHEN nth > 1 AND NOT repeats THEN 'its key stands on line ' || first_line || ' already, with other contents'
      WHEN met AND NOT same_row OR noted_digest <> digest THEN 'its key stands on an earlier line already, with other contents'
    END AS reason, waiting_id
  FROM compared
),
waited AS (
  INSERT INTO import_seen (id, waits) SELECT DISTINCT waiting_id, true FROM judged WHERE waiting_id IS NOT NULL
  ON CONFLICT DO NOTHING
)
UPDATE incoming_place AS place SET fate = judged.fate, reason = judged.reason,
  anchor = CASE WHEN judged.fate IN ('there', 'conflict') THEN coalesce(judged.anchor, place.anchor) ELSE place.anchor END,
  ward = CASE WHEN judged.fate IN ('there', 'conflict') AND judged.anchor IS NOT NULL THEN judged.ward
              WHEN place.geom IS NULL THEN judged.ward ELSE place.ward END
FROM judged WHERE judged.line = place.line AND judged.fate IS NOT NULL
