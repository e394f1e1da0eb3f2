-- spend
-- Count one use of a bucket in a window of time; returns how many there are now.
INSERT INTO rate_counter (bucket, window_at, count) VALUES (:bucket, :window_at, 1)
ON CONFLICT (bucket, window_at) DO UPDATE SET count = rate_counter.count + 1
RETURNING count
