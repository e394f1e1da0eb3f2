-- report_themes
-- How many of `visible` (put before this statement by app/reports/counting.py) are about each theme.
SELECT asset.theme, count(*) AS n
FROM visible JOIN asset ON asset.id = visible.id WHERE visible.stage <> 'ended' GROUP BY asset.theme
