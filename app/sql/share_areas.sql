-- share_areas
-- Keep the boundaries as they are until this transaction ends; waits while they change.
SELECT pg_advisory_xact_lock_shared(:lock)
