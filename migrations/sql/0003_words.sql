-- Words as people type them: phrases in quotes, beginnings of words, and misspellings by a list of the words in use.

-- Words as they are written, accents folded, not cut down to stems: what a misspelt word is compared with.
CREATE TEXT SEARCH CONFIGURATION civic_words (COPY = pg_catalog.simple);
ALTER TEXT SEARCH CONFIGURATION civic_words ALTER MAPPING FOR hword, hword_part, word WITH unaccent, simple;

-- The words that are written much oftener than this one and look like it; null where there are none.
CREATE FUNCTION civic_alike(part text) RETURNS tsquery
  LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
DECLARE
  known bigint;
  other text;
  alike tsquery;
BEGIN
  IF length(part) NOT BETWEEN 4 AND 30 THEN
    RETURN NULL;
  END IF;
  SELECT coalesce(max(n), 0) INTO known FROM word WHERE word >= part AND word < part || chr(1114111);
  FOR other IN
    SELECT word FROM word
    WHERE n >= 20 * known AND abs(length(word) - length(part)) <= 2 AND (
      word % part AND similarity(word, part) >= 0.4
      OR word = ANY(ARRAY(SELECT overlay(part PLACING reverse(substr(part, i, 2)) FROM i FOR 2)
                          FROM generate_series(1, length(part) - 1) AS i)))
    ORDER BY similarity(word, part) DESC, n DESC, word LIMIT 3
  LOOP
    alike := coalesce(alike || plainto_tsquery('civic_english', other), plainto_tsquery('civic_english', other));
  END LOOP;
  RETURN alike;
END $$;

-- What somebody typed into a search field, as a query: every word must be there, as a stem, as the beginning of a word or
-- misspelt; words in quotes beside each other. Words that English text is full of ("the") ask for nothing.
CREATE OR REPLACE FUNCTION civic_query(words text) RETURNS tsquery
  LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
DECLARE
  part text;
  stem tsquery;
  asked tsquery := '';
BEGIN
  FOR part IN SELECT phrase[1] FROM regexp_matches(words, '"([^"]+)"', 'g') AS phrase LIMIT 4 LOOP
    asked := asked && phraseto_tsquery('civic_english', part);
  END LOOP;
  words := regexp_replace(words, '"[^"]*"', ' ', 'g');
  FOR part IN SELECT word[1] FROM regexp_matches(lower(unaccent(words)), '\w+', 'g') AS word LIMIT 12 LOOP
    stem := plainto_tsquery('civic_english', part);
    IF numnode(stem) > 0 THEN
      stem := stem || to_tsquery('simple', quote_literal(part) || ':*');
      asked := asked && coalesce(stem || civic_alike(part), stem);
    END IF;
  END LOOP;
  -- Nothing but such words: somebody is still typing ("the…").
  IF numnode(asked) = 0 AND part IS NOT NULL THEN
    asked := to_tsquery('simple', quote_literal(part) || ':*');
  END IF;
  RETURN asked;
END $$;
