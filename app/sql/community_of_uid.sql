-- community_of_uid
-- The id of a community.
SELECT id FROM community WHERE uid = :uid
