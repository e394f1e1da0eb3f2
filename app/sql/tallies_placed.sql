-- tallies_placed
-- `placed` of the assets in tallies: `visible` says which tally is whose, :rows[n] is the row where that of :names[n] counts.
SELECT visible.id, visible.stage, named.place
FROM visible JOIN unnest(CAST(:names AS text[]), CAST(:rows AS bigint[])) AS named (name, place) ON named.name = visible.place
