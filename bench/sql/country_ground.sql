-- country_ground
-- From the cities: 4,096 slots shared out by population, each city with its radius in kilometres, the degrees of a kilometre
-- there, and the four nearest other cities. At a million assets a city's middle holds 430 of them to the square kilometre.
CREATE UNLOGGED TABLE bench.slot AS
WITH share AS (
  SELECT city.*, sum(thousands) OVER (ORDER BY id) AS upto, sum(thousands) OVER () AS whole FROM bench.city
),
placed AS (
  SELECT id, name, lon, lat, sqrt(550000.0 * thousands / whole / (430 * pi())) AS radius_km,
         1 / (111.32 * cos(radians(lat))) AS lon_km, 1 / 111.2 AS lat_km,
         floor(4096.0 * (upto - thousands) / whole)::int AS first, floor(4096.0 * upto / whole)::int AS after
  FROM share
)
SELECT n AS slot, placed.id AS city, name, lon, lat, radius_km, lon_km, lat_km, next.lons, next.lats
FROM placed CROSS JOIN LATERAL generate_series(first, after - 1) AS n
CROSS JOIN LATERAL (
  SELECT array_agg(near.lon ORDER BY near.far) AS lons, array_agg(near.lat ORDER BY near.far) AS lats
  FROM (
    SELECT other.lon, other.lat, ((other.lon - placed.lon) * 0.6) ^ 2 + (other.lat - placed.lat) ^ 2 AS far
    FROM bench.city AS other WHERE other.id <> placed.id ORDER BY far LIMIT 4
  ) AS near
) AS next;
CREATE INDEX ON bench.slot (slot);
ANALYZE bench.slot, bench.word;
