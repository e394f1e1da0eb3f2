-- learn_words
-- The words of the titles and summaries that everybody may read, and in how many they stand; of the newest alone, or of all.
WITH said AS (
  SELECT lexeme, count(*) AS n
  FROM (
    SELECT to_tsvector('civic_words', title || ' ' || summary) AS words FROM asset
    WHERE state = 'published' AND audience = 'public' ORDER BY id DESC LIMIT CAST(:newest AS bigint)
  ) AS asset CROSS JOIN LATERAL unnest(tsvector_to_array(words)) AS lexeme
  GROUP BY lexeme HAVING lexeme ~ '^[[:alpha:]]{3,40}$'
)
INSERT INTO word AS known (word, n)
SELECT lexeme, n FROM said ORDER BY lexeme
ON CONFLICT (word) DO UPDATE SET n = excluded.n
WHERE excluded.n > known.n OR (CAST(:newest AS bigint) IS NULL AND excluded.n <> known.n)
