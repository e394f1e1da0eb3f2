-- found_around
-- The assets on show (`visible`) that stand for an area around what is looked at (`wide`), both put before this statement.
SELECT wide.id FROM wide JOIN visible ON visible.id = wide.id WHERE NOT wide.inside AND visible.stage <> 'ended'
