-- report_visible_at
-- The assets that were published and not ended at the instant :until, with their stage; with a period, also those that ended
-- in it (stage 'ended'). Who may see them is today's word: it is not recorded. What has not changed since then is as it is now.
-- With a scope, those of `scoped` and every offer: it may reach in from outside.
WITH changed AS MATERIALIZED (
  SELECT thing_id AS id FROM state_change WHERE thing = 'asset' AND at >= CAST(:until AS timestamptz)
  UNION
  SELECT id FROM asset WHERE ended_at >= CAST(:until AS timestamptz)
),
told AS (
  SELECT asset.id, asset.ended_at, (
      SELECT to_state FROM state_change
      WHERE thing = 'asset' AND thing_id = asset.id AND aspect = 'state' AND at < CAST(:until AS timestamptz)
      ORDER BY at DESC, id DESC LIMIT 1
    ) AS state, coalesce((
      SELECT to_state FROM state_change
      WHERE thing = 'asset' AND thing_id = asset.id AND aspect = 'stage' AND at < CAST(:until AS timestamptz)
      ORDER BY at DESC, id DESC LIMIT 1
    ), (
      SELECT from_state FROM state_change
      WHERE thing = 'asset' AND thing_id = asset.id AND aspect = 'stage' AND at >= CAST(:until AS timestamptz)
      ORDER BY at, id LIMIT 1
    ), CASE WHEN asset.stage = 'ended' AND asset.ended_at >= CAST(:until AS timestamptz) THEN 'active' ELSE asset.stage END) AS stage
  FROM changed JOIN asset ON asset.id = changed.id
  WHERE asset.audience = 'public'
    AND (CAST(:scope AS bigint[]) IS NULL OR asset.kind = 'offer' OR asset.id IN (SELECT id FROM scoped))
  UNION ALL
  SELECT id, ended_at, state, stage FROM asset
  WHERE audience = 'public' AND created_at < CAST(:until AS timestamptz)
    AND NOT EXISTS (SELECT FROM changed WHERE changed.id = asset.id)
    AND (CAST(:scope AS bigint[]) IS NULL OR kind = 'offer' OR id IN (SELECT id FROM scoped))
)
SELECT id, stage FROM told
WHERE state = 'published' AND (stage <> 'ended' OR CAST(:since AS timestamptz) <= coalesce((
    SELECT at FROM state_change
    WHERE thing = 'asset' AND thing_id = told.id AND aspect = 'stage' AND to_state = 'ended' AND at < CAST(:until AS timestamptz)
    ORDER BY at DESC, id DESC LIMIT 1
  ), ended_at))
