-- import_waiting_end
-- Rows of former releases that need not wait for a place any more: the new release places them, says them anew, or, where it
-- retires, has them no more. Returns their ids.
UPDATE import_row SET waits = false, ended_by = :import_id
WHERE waits AND source_id = :source_id AND run_id <> :import_id
  AND NOT EXISTS (SELECT FROM import_seen AS seen WHERE seen.id = import_row.id AND seen.waits)
  AND (:retire
    OR EXISTS (SELECT FROM asset WHERE source = :source AND asset.fingerprint = import_row.fingerprint)
    OR EXISTS (SELECT FROM import_noted AS noted WHERE noted.fate = 'unplaced' AND noted.fingerprint = import_row.fingerprint))
RETURNING id
