-- once_begin
-- Begin a request that counts once: is nobody else at it, and what was answered the first time, as long as it is kept?
-- Lock and look-up share a snapshot, so an answer that was committed between the two is not seen here: once_keep finds it.
SELECT pg_try_advisory_xact_lock(:lock) AS free, kept.fingerprint, kept.status, kept.headers, kept.body
FROM (VALUES (1)) AS one LEFT JOIN idempotency AS kept
  ON kept.actor = :actor AND kept.key = :key AND kept.created_at > now() - CAST(:kept AS interval)
