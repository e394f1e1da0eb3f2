-- undo_table
-- The assets that an import made, changed or ended, on their way to what they were. `since`: what people did before that does
-- not count; null: everything does. `why`: people have touched it since.
CREATE TEMPORARY TABLE undoing (
  id bigint PRIMARY KEY,
  since timestamptz,
  before jsonb,
  why text
) ON COMMIT DROP
