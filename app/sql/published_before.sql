-- published_before
-- What somebody pinned under a uid, as it was sent, with what rules judge the asset by.
SELECT history.after AS sent, asset.id, asset.version, asset.kind, asset.state, asset.audience, asset.owner_id,
  asset.community_id, asset.area_id, ARRAY(SELECT area_id FROM asset_area WHERE asset_id = asset.id) AS areas
FROM history JOIN asset ON asset.uid = history.thing_uid
WHERE history.thing = 'asset' AND history.thing_uid = :uid AND history.verb = 'assets.publish'
  AND history.person_id IS NOT DISTINCT FROM :person_id
ORDER BY history.id LIMIT 1
