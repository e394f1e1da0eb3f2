-- area_of_code
-- The area that a code stands for: the one in force, else the newest of those that ended.
SELECT id FROM area WHERE code = :code ORDER BY ended_at IS NOT NULL, id DESC LIMIT 1
