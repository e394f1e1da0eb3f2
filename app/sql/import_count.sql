-- import_count
-- How many rows of the batch met which fate; of those with an asset, how many lie in a current ward and in none.
SELECT count(*) FILTER (WHERE fate IS NULL AND reason IS NULL) AS created,
  count(*) FILTER (WHERE fate = 'updated') AS updated,
  count(*) FILTER (WHERE fate = 'there') AS already_there,
  count(*) FILTER (WHERE fate = 'conflict') AS conflicts,
  count(*) FILTER (WHERE fate = 'unplaced') AS unplaced,
  count(*) FILTER (WHERE reason IS NOT NULL) AS rejected,
  count(*) FILTER (WHERE reason LIKE '%changed over it would lie inside') AS swapped,
  count(ward) FILTER (WHERE reason IS NULL) AS in_areas,
  count(*) FILTER (WHERE reason IS NULL AND anchor IS NOT NULL AND ward IS NULL) AS outside_areas
FROM incoming_place
