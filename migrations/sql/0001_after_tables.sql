-- What watches over the tables: legal steps, counters, the map's change log, the vault's doors.

-- ── legal steps ──────────────────────────────────────────────────────────────────────────────
CREATE FUNCTION check_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state IS DISTINCT FROM OLD.state AND NOT EXISTS (
    SELECT FROM transition t
    WHERE t.thing = TG_TABLE_NAME AND t.from_state = OLD.state AND t.to_state = NEW.state
  ) THEN
    RAISE EXCEPTION '% % -> %', TG_TABLE_NAME, OLD.state, NEW.state
      USING ERRCODE = 'check_violation', CONSTRAINT = 'transition_' || TG_TABLE_NAME;
  END IF;
  RETURN NEW;
END $$;

DO $$ DECLARE name text; BEGIN
  FOREACH name IN ARRAY ARRAY['asset', 'comment', 'need', 'proposal', 'pledge', 'link', 'flag'] LOOP
    EXECUTE format('CREATE TRIGGER check_transition BEFORE UPDATE OF state ON %I
                    FOR EACH ROW EXECUTE FUNCTION check_transition()', name);
  END LOOP;
END $$;

-- ── counters ─────────────────────────────────────────────────────────────────────────────────
CREATE FUNCTION count_appreciation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    UPDATE asset SET appreciation_count = appreciation_count + 1 WHERE id = NEW.asset_id;
  ELSE
    UPDATE asset SET appreciation_count = appreciation_count - 1 WHERE id = OLD.asset_id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER count_appreciation AFTER INSERT OR DELETE ON appreciation
  FOR EACH ROW EXECUTE FUNCTION count_appreciation();

-- The update locks the proposal's row, so two last places can never both be taken (ck_proposal_places).
CREATE FUNCTION count_pledge() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  was int := CASE WHEN TG_OP <> 'INSERT' AND OLD.state IN ('pledged', 'confirmed', 'fulfilled') THEN 1 ELSE 0 END;
  now int := CASE WHEN TG_OP <> 'DELETE' AND NEW.state IN ('pledged', 'confirmed', 'fulfilled') THEN 1 ELSE 0 END;
BEGIN
  IF was <> now THEN
    UPDATE proposal SET pledged = pledged + now - was
    WHERE id = CASE WHEN TG_OP = 'DELETE' THEN OLD.proposal_id ELSE NEW.proposal_id END;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER count_pledge AFTER INSERT OR DELETE OR UPDATE OF state ON pledge
  FOR EACH ROW EXECUTE FUNCTION count_pledge();

-- ── the map's change log ─────────────────────────────────────────────────────────────────────
-- Writers only append, so they never wait for each other; map_cell is filled from here by one folder process.
-- Cells are logged as the first cell of their level-16 cell: nothing that reads the log looks closer.
CREATE FUNCTION log_map_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO map_change (cell, kind, theme, n, sx, sy)
  SELECT cell >> 12 << 12, kind, theme, count(*), sum(civic_world_x(anchor)), sum(civic_world_y(anchor))
  FROM new_rows WHERE on_map GROUP BY cell >> 12, kind, theme;
  RETURN NULL;
END $$;

CREATE FUNCTION log_map_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO map_change (cell, kind, theme, n, sx, sy)
  SELECT cell, kind, theme, sum(n), sum(n * x), sum(n * y)
  FROM (
    SELECT cell >> 12 << 12 AS cell, kind, theme, 1 AS n, civic_world_x(anchor) AS x, civic_world_y(anchor) AS y
    FROM new_rows WHERE on_map
    UNION ALL
    SELECT cell >> 12 << 12, kind, theme, -1, civic_world_x(anchor), civic_world_y(anchor)
    FROM old_rows WHERE on_map
  ) AS change
  GROUP BY cell, kind, theme
  HAVING sum(n) <> 0 OR sum(n * x) <> 0 OR sum(n * y) <> 0;
  RETURN NULL;
END $$;

CREATE FUNCTION log_map_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO map_change (cell, kind, theme, n, sx, sy)
  SELECT cell >> 12 << 12, kind, theme, -count(*), -sum(civic_world_x(anchor)), -sum(civic_world_y(anchor))
  FROM old_rows WHERE on_map GROUP BY cell >> 12, kind, theme;
  RETURN NULL;
END $$;

-- Rows come and go all the time: cleaned up by count, not by share.
ALTER TABLE map_change SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE TRIGGER log_map_insert AFTER INSERT ON asset REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION log_map_insert();
CREATE TRIGGER log_map_update AFTER UPDATE ON asset REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION log_map_update();
CREATE TRIGGER log_map_delete AFTER DELETE ON asset REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION log_map_delete();

-- ── the vault's doors ────────────────────────────────────────────────────────────────────────
-- The writing role may insert and nothing else; every look inside is one of these functions.
ALTER TABLE vault.sign_in ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.contact ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.exact_point ENABLE ROW LEVEL SECURITY;
CREATE POLICY insert_only ON vault.sign_in FOR INSERT WITH CHECK (true);
CREATE POLICY insert_only ON vault.contact FOR INSERT WITH CHECK (true);
CREATE POLICY insert_only ON vault.exact_point FOR INSERT WITH CHECK (true);

-- Where to send the mail of an asked-for sign-in.
CREATE FUNCTION vault.sign_in_email(asked uuid) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT email FROM vault.sign_in s WHERE s.uid = asked AND s.used_at IS NULL AND s.expires_at > clock_timestamp()
$$;

-- One try at a sign-in; counts it, and uses it up when it is right. `outcome` says what happened; `person` is null
-- for an address that has no account yet. The caller compares the code: its key never reaches the database.
CREATE FUNCTION vault.try_sign_in(asked uuid, browser bytea, matches boolean, OUT outcome text, OUT person uuid)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE s vault.sign_in;
BEGIN
  SELECT * INTO s FROM vault.sign_in WHERE uid = asked FOR UPDATE;
  outcome := CASE
    WHEN s.uid IS NULL OR s.browser_hash <> browser THEN 'unknown'
    WHEN s.used_at IS NOT NULL OR s.expires_at <= clock_timestamp() THEN 'expired'
    WHEN s.tries >= 5 THEN 'too-many'
    WHEN matches THEN 'right' ELSE 'wrong' END;
  IF outcome = 'wrong' THEN
    UPDATE vault.sign_in SET tries = tries + 1 WHERE uid = asked;
  ELSIF outcome = 'right' THEN
    UPDATE vault.sign_in SET used_at = clock_timestamp() WHERE uid = asked;
    SELECT c.person_uid INTO person FROM vault.contact c WHERE c.kind = 'email' AND lower(c.value) = lower(s.email);
  END IF;
END $$;

-- Give the address of a sign-in used a moment ago to a new person; a second account for it is a unique violation.
CREATE FUNCTION vault.adopt_email(asked uuid, person uuid) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO vault.contact (uid, person_uid, kind, value)
  SELECT gen_random_uuid(), person, 'email', s.email FROM vault.sign_in s
  WHERE s.uid = asked AND s.used_at > clock_timestamp() - interval '1 minute'
$$;

CREATE FUNCTION vault.person_of_email(address text) RETURNS uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT person_uid FROM vault.contact WHERE kind = 'email' AND lower(value) = lower(address)
$$;

CREATE FUNCTION vault.email_of(person uuid) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT value FROM vault.contact WHERE kind = 'email' AND person_uid = person
$$;

CREATE FUNCTION vault.forget_person(person uuid) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM vault.sign_in s USING vault.contact c
    WHERE c.person_uid = person AND c.kind = 'email' AND lower(s.email) = lower(c.value);
  DELETE FROM vault.contact WHERE person_uid = person;
$$;

CREATE FUNCTION vault.forget_exact_point(asset uuid) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM vault.exact_point WHERE asset_uid = asset
$$;

CREATE FUNCTION vault.forget_old_sign_ins() RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM vault.sign_in WHERE expires_at < clock_timestamp() - interval '1 day'
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA vault FROM PUBLIC;
