-- The same numbers as before, written so that the planner puts them in place of the call: a strict function whose body is
-- not (least() is not) is called as a function, row by row, at many times the cost.

CREATE OR REPLACE FUNCTION civic_world_x(point geometry) RETURNS bigint
  LANGUAGE sql IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
  RETURN CASE WHEN point IS NOT NULL THEN
    least(1073741823, greatest(0, floor((ST_X(point) + 180) / 360 * 1073741824)))::bigint END;

CREATE OR REPLACE FUNCTION civic_world_y(point geometry) RETURNS bigint
  LANGUAGE sql IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
  RETURN CASE WHEN point IS NOT NULL THEN
    least(1073741823, greatest(0, floor(
      (0.5 - ln(tan(pi() / 4 + radians(ST_Y(point)) / 2)) / (2 * pi())) * 1073741824)))::bigint END;

-- Where a shape is and how large: its box in degrees, with the longer side as its height. One search in the index then
-- finds what is large enough to be seen in a tile, and never looks at the rest.
CREATE FUNCTION civic_reach(shape geometry) RETURNS geometry
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN ST_MakeLine(
    ST_MakePoint(ST_XMin(shape), ST_YMin(shape), greatest(ST_XMax(shape) - ST_XMin(shape), ST_YMax(shape) - ST_YMin(shape))),
    ST_MakePoint(ST_XMax(shape), ST_YMax(shape), greatest(ST_XMax(shape) - ST_XMin(shape), ST_YMax(shape) - ST_YMin(shape))));
