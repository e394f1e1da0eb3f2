-- hold_areas
-- Be the only one to change boundaries until this transaction ends; waits for writers of assets.
SELECT pg_advisory_xact_lock(:lock)
