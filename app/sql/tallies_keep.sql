-- tallies_keep
-- Keep what was counted of these tallies; what holds nothing any more goes.
WITH counted AS (
  SELECT place, figures FROM unnest(CAST(:places AS text[]), CAST(:figures AS jsonb[])) AS counted (place, figures)
),
gone AS (
  DELETE FROM tally WHERE place IN (SELECT place FROM counted WHERE figures = '[]')
)
INSERT INTO tally (place, figures) SELECT place, figures FROM counted WHERE figures <> '[]' ORDER BY place
ON CONFLICT (place) DO UPDATE SET figures = excluded.figures
