-- actor
-- Somebody and everything that decides what they may do, in one row: role, areas with all that lies inside them (those they
-- are officer of; those they may read, as officer or councillor), communities.
-- One of three doors is open: an id; the beginning of a key that is in force; the hash of a session that has not ended at the
-- instant :now, seen since :idle_since. stale: the day (of a key) or hour (of a session) of its last use is to be written down.
WITH RECURSIVE door AS (
  SELECT CAST(:person_id AS bigint) AS person_id, CAST(NULL AS bigint) AS id, CAST(NULL AS bytea) AS token_hash,
    CAST(NULL AS text[]) AS scopes, false AS stale
  WHERE CAST(:person_id AS bigint) IS NOT NULL
  UNION ALL
  SELECT person_id, id, token_hash, scopes, used_on IS DISTINCT FROM CAST(CAST(:now AS timestamptz) AT TIME ZONE 'UTC' AS date)
  FROM api_key WHERE prefix = :prefix AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :now)
  UNION ALL
  SELECT person_id, id, token_hash, NULL, seen_at < CAST(:now AS timestamptz) - interval '1 hour'
  FROM session WHERE token_hash = :token_hash AND revoked_at IS NULL AND expires_at > :now AND seen_at > :idle_since
),
inside AS (
  SELECT area_id AS id, role = 'officer' AS acting FROM officer_area WHERE person_id = (SELECT person_id FROM door)
  UNION
  SELECT area.id, inside.acting FROM area JOIN inside ON area.parent_id = inside.id
)
SELECT person.id, person.uid, person.name, person.role, door.id AS door_id, door.token_hash, door.scopes, door.stale,
  ARRAY(SELECT id FROM inside WHERE acting) AS areas,
  ARRAY(SELECT DISTINCT id FROM inside) AS reads,
  (SELECT coalesce(jsonb_object_agg(community_id::text, membership.role), '{}') FROM membership
   WHERE membership.person_id = person.id) AS communities
FROM door JOIN person ON person.id = door.person_id
WHERE person.state = 'active'
