-- country_tools
-- What the made country is made with: dice that fall alike every time, and the tables of cities and words. Gone afterwards.
DROP SCHEMA IF EXISTS bench CASCADE;
CREATE SCHEMA bench;
-- A whole number from 0 to n - 1 for row i; each question about a row has its own salt.
CREATE FUNCTION bench.pick(i bigint, salt bigint, n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN (hashint8extended(i, salt) & 9223372036854775807) % n;
CREATE FUNCTION bench.unit(i bigint, salt bigint) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN (hashint8extended(i, salt) & 4503599627370495) / 4503599627370496.0::float8;
CREATE UNLOGGED TABLE bench.city (id int PRIMARY KEY, name text, lon float8, lat float8, thousands int);
CREATE UNLOGGED TABLE bench.word (id int PRIMARY KEY, theme text, thing text, doing text);
