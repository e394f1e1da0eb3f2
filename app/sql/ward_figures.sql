-- ward_figures
-- Every figure of the ward report in one pass over `visible` (ids of assets, put before this statement by app/reports/wards.py):
-- by area (its id; -1 area-wide; 0 in none; null all together), with the number of different persons behind it.
SELECT place, figure, value, persons FROM (
  WITH whole AS (
    -- An asset that stands for an area counts in the row of that area, or of the one around it; not in smaller ones.
    SELECT DISTINCT ON (own.id) own.id AS area_id, row_area.id AS place
    FROM area AS own JOIN area AS row_area ON row_area.id = ANY (CAST(:areas AS bigint[])) AND (
      row_area.id = own.id
      OR row_area.level = own.level AND row_area.code = own.code
      OR array_position(CAST(:levels AS text[]), own.level::text) < array_position(CAST(:levels AS text[]), row_area.level::text)
        AND ST_Covers(row_area.geom, ST_PointOnSurface(own.geom)))
    WHERE own.id IN (SELECT area_id FROM asset WHERE area_id IS NOT NULL)
    ORDER BY own.id, row_area.id = own.id DESC, row_area.code COLLATE "C"
  ),
  placed AS MATERIALIZED (
    SELECT asset.id, asset.kind, asset.appreciation_count, asset.published_at, coalesce((
        SELECT area.id FROM asset_area JOIN area ON area.id = asset_area.area_id
        WHERE asset_area.asset_id = asset.id AND area.id = ANY (CAST(:areas AS bigint[]))
        ORDER BY area.code COLLATE "C" LIMIT 1
      ), whole.place, CASE WHEN asset.area_id IS NULL THEN 0 ELSE -1 END) AS place
    FROM visible JOIN asset ON asset.id = visible.id
    LEFT JOIN whole ON whole.area_id = asset.area_id
    LEFT JOIN area AS own ON own.id = asset.area_id
    WHERE CAST(:scope AS bigint) IS NULL
      OR EXISTS (SELECT FROM asset_area WHERE asset_area.asset_id = asset.id
                 AND (asset_area.area_id = :scope OR asset_area.area_id = ANY (CAST(:areas AS bigint[]))))
      OR own.id = :scope
      OR EXISTS (SELECT FROM area AS around WHERE around.id = :scope AND ST_Covers(around.geom, ST_PointOnSurface(own.geom))
                 AND array_position(CAST(:levels AS text[]), own.level::text)
                   < array_position(CAST(:levels AS text[]), around.level::text))
  ),
  proposed AS (
    SELECT placed.place, proposal.id, CASE WHEN CAST(:until AS timestamptz) IS NULL THEN proposal.state ELSE (
      SELECT to_state FROM state_change
      WHERE thing = 'proposal' AND thing_id = proposal.id AND aspect = 'state' AND at < :until ORDER BY at DESC, id DESC LIMIT 1
    ) END AS state
    FROM placed JOIN proposal ON proposal.asset_id = placed.id
  ),
  pledged AS MATERIALIZED (
    SELECT proposed.place, pledge.state, pledge.hours_promised, pledge.hours_given, coalesce(pledge.person_id, 0) AS person
    FROM proposed JOIN pledge ON pledge.proposal_id = proposed.id
    WHERE CAST(:until AS timestamptz) IS NULL
  )
  SELECT place, 'kind:' || kind AS figure, count(*)::float AS value, 0::bigint AS persons FROM placed GROUP BY place, kind
  UNION ALL
  SELECT place, 'new_assets', count(*), 0 FROM placed WHERE published_at >= CAST(:since AS timestamptz) GROUP BY place
  UNION ALL
  SELECT place, 'appreciations', sum(appreciation_count), 0 FROM placed
  WHERE CAST(:until AS timestamptz) IS NULL GROUP BY place
  UNION ALL
  SELECT place, 'appreciations', count(*), 0 FROM placed JOIN appreciation ON appreciation.asset_id = placed.id
  WHERE appreciation.created_at < CAST(:until AS timestamptz) GROUP BY place
  UNION ALL
  SELECT place, 'open_needs', count(*), 0 FROM placed JOIN need ON need.asset_id = placed.id
  WHERE 'open' = CASE WHEN CAST(:until AS timestamptz) IS NULL THEN need.state ELSE (
    SELECT to_state FROM state_change
    WHERE thing = 'need' AND thing_id = need.id AND aspect = 'state' AND at < :until ORDER BY at DESC, id DESC LIMIT 1
  ) END GROUP BY place
  UNION ALL
  SELECT place, 'proposals_' || state, count(*), 0 FROM proposed WHERE state IS NOT NULL GROUP BY place, state
  UNION ALL
  SELECT place, 'pledges_' || state, count(*), count(DISTINCT person) FROM pledged
  GROUP BY GROUPING SETS ((place, state), (state))
  UNION ALL
  SELECT place, 'hours_promised', coalesce(sum(hours_promised), 0), count(DISTINCT person) FROM pledged
  WHERE state IN ('pledged', 'confirmed', 'fulfilled') GROUP BY GROUPING SETS ((place), ())
  UNION ALL
  SELECT place, 'hours_given', coalesce(sum(hours_given), 0), count(DISTINCT person) FROM pledged
  WHERE state = 'fulfilled' GROUP BY GROUPING SETS ((place), ())
) AS figures
