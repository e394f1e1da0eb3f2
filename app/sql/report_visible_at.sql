-- report_visible_at
-- The assets that were published and not ended at the instant :until. Who may see them is today's word: it is not recorded.
SELECT asset.id FROM asset
WHERE asset.audience = 'public' AND asset.created_at < :until
  AND (
    SELECT to_state FROM state_change
    WHERE thing = 'asset' AND thing_id = asset.id AND aspect = 'state' AND at < :until ORDER BY at DESC, id DESC LIMIT 1
  ) = 'published'
  AND coalesce((
    SELECT to_state FROM state_change
    WHERE thing = 'asset' AND thing_id = asset.id AND aspect = 'stage' AND at < :until ORDER BY at DESC, id DESC LIMIT 1
  ), CASE WHEN asset.ended_at < :until THEN 'ended' ELSE 'active' END) <> 'ended'
