-- tallies_mark
-- Every tally is to be counted again: those that assets belong to, and those that are kept.
INSERT INTO tally_change (place)
SELECT civic_tally(ward, area_id, cell, theme) FROM asset WHERE state = 'published' AND audience = 'public'
UNION
SELECT place FROM tally
