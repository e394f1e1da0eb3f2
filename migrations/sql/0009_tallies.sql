-- ── when something was done, without what it said ───────────────────────────────────────────
-- The reading role sees no history, for that holds what was hidden since; a report of a past day needs its instants alone.
CREATE FUNCTION civic_verbs(asked text, uid uuid) RETURNS TABLE (verb text, at timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp ROWS 5 AS $$
  SELECT history.verb::text, history.at FROM history WHERE history.thing = asked AND history.thing_uid = uid
$$;

-- ── tallies: what the ward report counts, place by place ────────────────────────────────────
-- Every asset belongs to one tally: that of its ward; else of the area that it stands for; else of its square of the map
-- (zoom 11, as in ix_asset_square); else of its theme.
CREATE FUNCTION civic_tally(ward text, area_id bigint, cell bigint, theme text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN ward IS NOT NULL THEN ward WHEN area_id IS NOT NULL THEN '@' || area_id
              WHEN cell IS NOT NULL THEN '#' || (cell >> 22) ELSE '?' || theme END;

-- Writers only say which tallies are to be counted again; one process at a time does. Whoever reads counts those again
-- that are waiting, in its own snapshot. `box`: the tallies of needs in it as well, for an offer that may answer them
-- came, went or moved. `asset_id`: the tally of this asset, wherever it is by then.
CREATE FUNCTION mark_asset_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tally_change (place, box)
  SELECT civic_tally(ward, area_id, cell, theme),
    ST_SetSRID(ST_Extent(CASE WHEN kind = 'offer' AND on_map THEN civic_offer_box(anchor, details) END)::geometry, 4326)
  FROM new_rows WHERE state = 'published' AND audience = 'public' GROUP BY 1;
  RETURN NULL;
END $$;

CREATE FUNCTION mark_asset_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tally_change (place, box)
  SELECT civic_tally(side.ward, side.area_id, side.cell, side.theme),
    ST_SetSRID(ST_Extent(CASE WHEN side.kind = 'offer' AND side.on_map AND (was.on_map, was.anchor, was.details)
      IS DISTINCT FROM (became.on_map, became.anchor, became.details) THEN civic_offer_box(side.anchor, side.details) END)::geometry, 4326)
  FROM old_rows AS was JOIN new_rows AS became ON became.id = was.id CROSS JOIN LATERAL (VALUES
    (was.ward, was.area_id, was.cell, was.theme, was.kind, was.on_map, was.anchor, was.details, was.state, was.audience),
    (became.ward, became.area_id, became.cell, became.theme, became.kind, became.on_map, became.anchor, became.details,
      became.state, became.audience)
  ) AS side (ward, area_id, cell, theme, kind, on_map, anchor, details, state, audience)
  WHERE side.state = 'published' AND side.audience = 'public' GROUP BY 1;
  RETURN NULL;
END $$;

CREATE FUNCTION mark_asset_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tally_change (place, box)
  SELECT civic_tally(ward, area_id, cell, theme),
    ST_SetSRID(ST_Extent(CASE WHEN kind = 'offer' AND on_map THEN civic_offer_box(anchor, details) END)::geometry, 4326)
  FROM old_rows WHERE state = 'published' AND audience = 'public' GROUP BY 1;
  RETURN NULL;
END $$;

CREATE TRIGGER mark_asset_insert AFTER INSERT ON asset REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mark_asset_insert();
CREATE TRIGGER mark_asset_update AFTER UPDATE ON asset REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mark_asset_update();
CREATE TRIGGER mark_asset_delete AFTER DELETE ON asset REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mark_asset_delete();

-- What hangs on an asset never leaves it for another.
CREATE FUNCTION mark_new_things() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tally_change (asset_id) SELECT DISTINCT asset_id FROM new_rows;
  RETURN NULL;
END $$;
CREATE FUNCTION mark_old_things() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tally_change (asset_id) SELECT DISTINCT asset_id FROM old_rows;
  RETURN NULL;
END $$;
CREATE FUNCTION mark_pledges() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tally_change (asset_id)
  SELECT DISTINCT proposal.asset_id FROM new_rows JOIN proposal ON proposal.id = new_rows.proposal_id;
  RETURN NULL;
END $$;
CREATE FUNCTION mark_old_pledges() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tally_change (asset_id)
  SELECT DISTINCT proposal.asset_id FROM old_rows JOIN proposal ON proposal.id = old_rows.proposal_id;
  RETURN NULL;
END $$;
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['need', 'proposal', 'update'] LOOP
    EXECUTE format('CREATE TRIGGER mark_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION mark_new_things()', name);
    EXECUTE format('CREATE TRIGGER mark_update AFTER UPDATE ON %I REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION mark_new_things()', name);
    EXECUTE format('CREATE TRIGGER mark_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION mark_old_things()', name);
  END LOOP;
END $$;
CREATE TRIGGER mark_insert AFTER INSERT ON pledge REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mark_pledges();
CREATE TRIGGER mark_update AFTER UPDATE ON pledge REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mark_pledges();
CREATE TRIGGER mark_delete AFTER DELETE ON pledge REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mark_old_pledges();

-- Rows come and go all the time: cleaned up by count, not by share.
ALTER TABLE tally_change SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- What is there already waits to be counted.
INSERT INTO tally_change (place)
SELECT DISTINCT civic_tally(ward, area_id, cell, theme) FROM asset WHERE state = 'published' AND audience = 'public';
