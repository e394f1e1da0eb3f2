-- key_used
-- Write down the day on which a key was used last.
UPDATE api_key SET used_on = :today WHERE id = :id
