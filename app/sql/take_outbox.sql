-- take_outbox
-- Mark the oldest waiting events as taken, leaving alone what another relay holds. Committed together with their jobs.
UPDATE outbox SET taken_at = now()
WHERE id IN (SELECT id FROM outbox WHERE taken_at IS NULL ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED)
RETURNING id, event, thing_uid
