-- ward_figures
-- What the ward report counts, in one pass over `placed` (assets with their stage and the place where they count) and `asked`
-- (their needs), put before this statement by app/reports/counting.py: by place (null: all together), with the number of
-- different persons behind it, or with the ids of what is told by name (200 at most). `ended` is an asset that ended in the
-- period; no other figure counts it.
SELECT place, figure, value, persons, ids FROM (
  WITH reported AS MATERIALIZED (
    SELECT placed.id, max(update.created_at) AS at FROM placed JOIN update ON update.asset_id = placed.id
    WHERE CAST(:until AS timestamptz) IS NULL OR update.created_at < :until GROUP BY placed.id
  ),
  groups AS MATERIALIZED (
    SELECT place, placed.stage, kind, theme, CASE kind WHEN 'offer' THEN details ->> 'nature' END AS way,
      to_char(greatest(CASE
        WHEN CAST(:until AS timestamptz) IS NULL OR updated_at < :until THEN updated_at
        ELSE coalesce((SELECT max(at) FROM civic_verbs('asset', asset.uid) WHERE at < :until), created_at)
      END, reported.at) AT TIME ZONE 'UTC', 'YYYY-MM') AS month,
      count(*) AS n, sum(appreciation_count) AS thanks,
      count(*) FILTER (WHERE published_at >= CAST(:since AS timestamptz)
                       AND (CAST(:until AS timestamptz) IS NULL OR published_at < :until)) AS fresh
    FROM placed JOIN asset ON asset.id = placed.id LEFT JOIN reported ON reported.id = placed.id
    GROUP BY 1, 2, 3, 4, 5, 6
  ),
  proposed AS MATERIALIZED (
    SELECT placed.place, proposal.id, CASE WHEN CAST(:until AS timestamptz) IS NULL THEN proposal.state ELSE (
      SELECT to_state FROM state_change
      WHERE thing = 'proposal' AND thing_id = proposal.id AND aspect = 'state' AND at < :until ORDER BY at DESC, id DESC LIMIT 1
    ) END AS state
    FROM placed JOIN proposal ON proposal.asset_id = placed.id WHERE placed.stage <> 'ended'
  ),
  pledged AS MATERIALIZED (
    SELECT proposed.place, pledge.state, pledge.hours_promised, pledge.hours_given, coalesce(pledge.person_id, 0) AS person
    FROM proposed JOIN pledge ON pledge.proposal_id = proposed.id
    WHERE CAST(:until AS timestamptz) IS NULL
  )
  SELECT place, CASE grouping(kind, theme, stage, way, month)
      WHEN 15 THEN 'kind:' || kind WHEN 23 THEN 'theme:' || theme WHEN 27 THEN 'stage:' || stage
      WHEN 7 THEN kind || ':theme:' || theme WHEN 13 THEN kind || ':way:' || way WHEN 30 THEN 'touched:' || month END AS figure,
    sum(n)::float AS value, 0::bigint AS persons, NULL::bigint[] AS ids
  FROM groups WHERE stage <> 'ended'
  GROUP BY GROUPING SETS ((place, kind), (place, theme), (place, stage), (place, kind, theme), (place, kind, way), (place, month))
  HAVING grouping(theme) = 1 OR grouping(kind) = 1 OR kind IN ('idea', 'project', 'offer')
  UNION ALL
  SELECT place, 'new_assets', sum(fresh), 0, NULL FROM groups WHERE stage <> 'ended' AND fresh > 0 GROUP BY place
  UNION ALL
  SELECT place, 'ended_assets', sum(n), 0, NULL FROM groups WHERE stage = 'ended' GROUP BY place
  UNION ALL
  SELECT place, 'appreciations', sum(thanks), 0, NULL FROM groups
  WHERE stage <> 'ended' AND CAST(:until AS timestamptz) IS NULL AND thanks > 0 GROUP BY place
  UNION ALL
  SELECT place, 'appreciations', count(*), 0, NULL FROM placed JOIN appreciation ON appreciation.asset_id = placed.id
  WHERE placed.stage <> 'ended' AND appreciation.created_at < CAST(:until AS timestamptz) GROUP BY place
  UNION ALL
  SELECT place, said.figure, count(*), 0,
    CASE WHEN said.figure IN ('blocking_needs', 'gap_needs_without_offers')
      THEN (array_agg(id ORDER BY report_back_on NULLS LAST, id))[1 : 200] END
  FROM asked CROSS JOIN LATERAL (VALUES
    ('open_needs', state = 'open'), ('open_needs_' || kind, state = 'open'), ('partly_met_needs', state = 'open' AND begun),
    ('met_needs', state = 'met'), ('blocking_needs', state = 'open' AND blocking), ('gap_needs_without_offers', unanswered)
  ) AS said (figure, counted) WHERE said.counted GROUP BY place, said.figure
  UNION ALL
  SELECT place, 'gap_unused_spaces', count(*), 0, (array_agg(asset.id ORDER BY asset.title, asset.id))[1 : 200]
  FROM placed JOIN asset ON asset.id = placed.id
  WHERE placed.stage <> 'ended' AND asset.kind = 'place' AND asset.details ->> 'use' = 'unused' GROUP BY place
  UNION ALL
  SELECT place, 'wide', count(*), 0, (array_agg(asset.id ORDER BY asset.title, asset.id))[1 : 200]
  FROM placed JOIN asset ON asset.id = placed.id
  WHERE placed.stage <> 'ended' AND asset.area_id IS NOT NULL GROUP BY place
  UNION ALL
  SELECT place, 'proposals_' || state, count(*), 0, NULL FROM proposed WHERE state IS NOT NULL GROUP BY place, state
  UNION ALL
  SELECT place, 'pledges_' || state, count(*), count(DISTINCT person), NULL FROM pledged
  GROUP BY GROUPING SETS ((place, state), (state))
  UNION ALL
  SELECT place, 'hours_promised', coalesce(sum(hours_promised), 0), count(DISTINCT person), NULL FROM pledged
  WHERE state IN ('pledged', 'confirmed', 'fulfilled') GROUP BY GROUPING SETS ((place), ())
  UNION ALL
  SELECT place, 'hours_given', coalesce(sum(hours_given), 0), count(DISTINCT person), NULL FROM pledged
  WHERE state = 'fulfilled' GROUP BY GROUPING SETS ((place), ())
) AS figures WHERE figure IS NOT NULL
