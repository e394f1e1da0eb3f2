-- session_seen
-- Write down that a session is in use.
UPDATE session SET seen_at = :now WHERE id = :id
