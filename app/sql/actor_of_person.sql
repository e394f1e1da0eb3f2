-- actor_of_person
-- Everything that decides what a person may do, in one row: role, areas with all that lies inside them, communities.
WITH RECURSIVE inside AS (
  SELECT area_id AS id FROM officer_area WHERE person_id = :person_id
  UNION
  SELECT area.id FROM area JOIN inside ON area.parent_id = inside.id
)
SELECT
  person.id, person.uid, person.name, person.role,
  ARRAY(SELECT id FROM inside) AS areas,
  (SELECT coalesce(jsonb_object_agg(community_id::text, role), '{}') FROM membership WHERE person_id = person.id) AS communities
FROM person
WHERE person.id = :person_id AND person.state = 'active'
