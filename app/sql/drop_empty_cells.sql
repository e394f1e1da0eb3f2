-- drop_empty_cells
-- Remove the named keys from the pyramid where nothing is left of them.
DELETE FROM map_cell
USING unnest(CAST(:levels AS smallint[]), CAST(:cells AS bigint[]), CAST(:kinds AS text[]), CAST(:themes AS text[]))
  AS empty (level, cell, kind, theme)
WHERE (map_cell.level, map_cell.cell, map_cell.kind, map_cell.theme) = (empty.level, empty.cell, empty.kind, empty.theme)
  AND map_cell.n = 0 AND map_cell.sx = 0 AND map_cell.sy = 0
