-- A box in degrees that surely holds all within the reach of an offer; all round the world where it crosses the
-- antimeridian. An index of it finds the offers that reach a point, however many there are.
CREATE FUNCTION civic_offer_box(anchor geometry, details jsonb) RETURNS geometry
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN (
    SELECT CASE WHEN x - wide < -180 OR x + wide > 180 THEN ST_MakeEnvelope(-180, y - high, 180, y + high, 4326)
           ELSE ST_MakeEnvelope(x - wide, y - high, x + wide, y + high, 4326) END
    FROM (
      SELECT ST_X(anchor) AS x, ST_Y(anchor) AS y, reach / 111195 * 1.02 AS high,
             reach / 111195 / greatest(0.05, cos(radians(abs(ST_Y(anchor)) + reach / 111000))) * 1.01 AS wide
      FROM (SELECT (details ->> 'reach_m')::double precision AS reach) AS said
    ) AS round
  );

CREATE INDEX ix_asset_offer ON asset USING gist (civic_offer_box(anchor, details)) WHERE kind = 'offer' AND on_map;

-- The words of the newest million, as the nightly job learns those of all: until then, what is spelt well would be taken
-- for misspelt.
INSERT INTO word AS known (word, n)
SELECT lexeme, count(*)
FROM (
  SELECT to_tsvector('civic_words', title || ' ' || summary) AS words FROM asset
  WHERE state = 'published' AND audience = 'public' ORDER BY id DESC LIMIT 1000000
) AS asset CROSS JOIN LATERAL unnest(tsvector_to_array(words)) AS lexeme
GROUP BY lexeme HAVING lexeme ~ '^[[:alpha:]]{3,40}$'
ORDER BY lexeme
ON CONFLICT (word) DO UPDATE SET n = excluded.n WHERE excluded.n > known.n;
