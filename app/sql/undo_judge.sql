-- undo_judge
-- Which of these assets people have touched since: they stay as they are.
UPDATE undoing SET why = CASE
    WHEN asset.version <> coalesce(asset.imported_version, 1) THEN 'it was changed since'
    WHEN EXISTS (
      SELECT FROM comment WHERE asset_id = asset.id AND updated_at >= coalesce(since, '-infinity')) THEN 'it was discussed'
    WHEN EXISTS (
      SELECT FROM appreciation WHERE asset_id = asset.id AND created_at >= coalesce(since, '-infinity'))
      THEN 'people appreciated it'
    WHEN EXISTS (
      SELECT FROM pledge JOIN proposal ON proposal.id = pledge.proposal_id
      WHERE proposal.asset_id = asset.id AND pledge.updated_at >= coalesce(since, '-infinity')) THEN 'people pledged time to it'
    WHEN EXISTS (
      SELECT FROM proposal WHERE asset_id = asset.id AND updated_at >= coalesce(since, '-infinity'))
      THEN 'an action was proposed for it'
    WHEN EXISTS (
      SELECT FROM need WHERE asset_id = asset.id AND updated_at >= coalesce(since, '-infinity')) THEN 'it says what it needs'
    WHEN EXISTS (
      SELECT FROM "update" WHERE asset_id = asset.id AND updated_at >= coalesce(since, '-infinity')) THEN 'it has news'
    WHEN EXISTS (
      SELECT FROM flag WHERE asset_id = asset.id AND greatest(created_at, decided_at) >= coalesce(since, '-infinity'))
      THEN 'it was flagged'
    WHEN EXISTS (
      SELECT FROM link WHERE (from_id = asset.id OR to_id = asset.id) AND created_at >= coalesce(since, '-infinity'))
      THEN 'it is linked'
  END
FROM asset WHERE asset.id = undoing.id AND undoing.id > :after AND undoing.id <= :last
