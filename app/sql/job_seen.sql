-- job_seen
-- Whoever works on a job says how far it is, and so that they are still there. No row: it is not theirs any more.
UPDATE job SET seen_at = now(), progress = :progress
WHERE uid = :uid AND tries = :try AND state = 'working'
RETURNING id
