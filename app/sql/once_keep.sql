-- once_keep
-- Keep the answer of a request that counts once, in the place of one that is kept no longer. No row: another one was faster.
INSERT INTO idempotency (actor, key, fingerprint, status, headers, body)
VALUES (:actor, :key, :fingerprint, :status, :headers, :body)
ON CONFLICT (actor, key) DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status,
  headers = excluded.headers, body = excluded.body, created_at = excluded.created_at
WHERE idempotency.created_at <= now() - CAST(:kept AS interval)
RETURNING status
