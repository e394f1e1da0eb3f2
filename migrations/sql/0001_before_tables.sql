-- What the tables need before they can be made: extensions, words, and the map's arithmetic.

CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE SCHEMA IF NOT EXISTS vault;

-- English stems with accents folded: "cafés" finds "cafe". A configuration of our own is immutable, so a column may use it.
CREATE TEXT SEARCH CONFIGURATION civic_english (COPY = pg_catalog.english);
ALTER TEXT SEARCH CONFIGURATION civic_english
  ALTER MAPPING FOR hword, hword_part, word WITH unaccent, english_stem;

-- What somebody typed into a search field, as a query: every word must be there, as a stem or as the beginning of a word.
-- Words that English text is full of ("the") ask for nothing.
CREATE FUNCTION civic_query(words text) RETURNS tsquery
  LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
DECLARE
  part text;
  stem tsquery;
  asked tsquery := '';
BEGIN
  FOR part IN SELECT word[1] FROM regexp_matches(lower(unaccent(words)), '\w+', 'g') AS word LIMIT 12 LOOP
    stem := plainto_tsquery('civic_english', part);
    IF numnode(stem) > 0 THEN
      asked := asked && (stem || to_tsquery('simple', quote_literal(part) || ':*'));
    END IF;
  END LOOP;
  RETURN asked;
END $$;

-- The world is the square of Web Mercator (EPSG:3857), 2^30 to a side, origin north-west; integers, so sums are exact.
-- A restore works without a search path: what a column is computed with is bound when it is made (RETURN) or names its schema.
CREATE FUNCTION civic_world_x(point geometry) RETURNS bigint
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN least(1073741823, greatest(0, floor((ST_X(point) + 180) / 360 * 1073741824)))::bigint;

CREATE FUNCTION civic_world_y(point geometry) RETURNS bigint
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN least(1073741823, greatest(0, floor(
    (0.5 - ln(tan(pi() / 4 + radians(ST_Y(point)) / 2)) / (2 * pi())) * 1073741824)))::bigint;

-- Put a zero between the bits of a number of up to 22 bits (half of a Morton code).
CREATE FUNCTION civic_spread(v bigint) RETURNS bigint
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  v := (v | (v << 16)) & x'0000FFFF0000FFFF'::bigint;
  v := (v | (v << 8)) & x'00FF00FF00FF00FF'::bigint;
  v := (v | (v << 4)) & x'0F0F0F0F0F0F0F0F'::bigint;
  v := (v | (v << 2)) & x'3333333333333333'::bigint;
  RETURN (v | (v << 1)) & x'5555555555555555'::bigint;
END $$;

-- The Morton code of the point's zoom-22 tile: any tile of any zoom is one contiguous range of it.
CREATE FUNCTION civic_cell(point geometry) RETURNS bigint
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  RETURN public.civic_spread(public.civic_world_x(point) >> 8)
    | (public.civic_spread(public.civic_world_y(point) >> 8) << 1);
END $$;
