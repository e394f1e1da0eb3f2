-- report_asked
-- The needs of what is `placed` and has not ended, as they stood at the instant :until (null: now). `unanswered`: open, and no
-- offer of a fitting nature (:wanted[n] is answered by :natures[n]) reaches its place; offers are those on show then.
WITH told AS MATERIALIZED (
  SELECT placed.place, need.id, need.asset_id, need.kind, need.quantity, need.blocking, need.report_back_on, asset.anchor,
    CASE WHEN CAST(:until AS timestamptz) IS NULL OR need.updated_at < :until THEN need.state ELSE (
      SELECT to_state FROM state_change
      WHERE thing = 'need' AND thing_id = need.id AND aspect = 'state' AND at < :until ORDER BY at DESC, id DESC LIMIT 1
    ) END AS state,
    CASE WHEN CAST(:until AS timestamptz) IS NULL OR need.updated_at < :until THEN need.met > 0 ELSE EXISTS (
      -- Some was met, and it did not begin anew afterwards: a need that was met in full and is reopened does.
      SELECT FROM civic_verbs('need', need.uid) AS meeting
      WHERE meeting.verb = 'needs.meet' AND meeting.at < :until AND NOT EXISTS (
        SELECT FROM civic_verbs('need', need.uid) AS anew JOIN state_change AS again
          ON again.thing = 'need' AND again.thing_id = need.id AND again.at = anew.at AND again.from_state = 'met'
        WHERE anew.verb = 'needs.reopen' AND anew.at > meeting.at AND anew.at < :until)
    ) END AS begun
  FROM placed JOIN need ON need.asset_id = placed.id JOIN asset ON asset.id = placed.id
  WHERE placed.stage <> 'ended'
),
gone AS MATERIALIZED (
  -- Offers that were on show on a past day and are not on the map today.
  SELECT offer.anchor, offer.details FROM visible JOIN asset AS offer ON offer.id = visible.id
  WHERE CAST(:until AS timestamptz) IS NOT NULL AND visible.stage <> 'ended'
    AND offer.kind = 'offer' AND NOT offer.on_map AND offer.anchor IS NOT NULL
)
SELECT told.*, told.state = 'open' AND told.anchor IS NOT NULL AND told.kind = ANY (CAST(:wanted AS text[])) AND NOT EXISTS (
    SELECT FROM asset AS offer
    WHERE offer.kind = 'offer' AND offer.on_map AND civic_offer_box(offer.anchor, offer.details) && told.anchor
      AND offer.details ->> 'nature' IN (
        SELECT nature FROM unnest(CAST(:wanted AS text[]), CAST(:natures AS text[])) AS fits (wanted, nature) WHERE wanted = told.kind)
      AND ST_DWithin(offer.anchor::geography, told.anchor::geography, (offer.details ->> 'reach_m')::double precision)
      AND (CAST(:until AS timestamptz) IS NULL OR offer.id IN (SELECT id FROM visible WHERE stage <> 'ended'))
  ) AND NOT EXISTS (
    SELECT FROM gone AS offer
    WHERE offer.details ->> 'nature' IN (
        SELECT nature FROM unnest(CAST(:wanted AS text[]), CAST(:natures AS text[])) AS fits (wanted, nature) WHERE wanted = told.kind)
      AND ST_DWithin(offer.anchor::geography, told.anchor::geography, (offer.details ->> 'reach_m')::double precision)
  ) AS unanswered
FROM told WHERE told.state IS NOT NULL
