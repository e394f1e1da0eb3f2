-- grants
-- What the two login roles may do. Run after every migration; safe to run again; does nothing where they do not exist.
DO $$
DECLARE name text;
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'civic_read') THEN
    GRANT USAGE ON SCHEMA public TO civic_read;
    FOREACH name IN ARRAY ARRAY[
      'alembic_version', 'appreciation', 'area', 'asset', 'asset_area', 'boundary_set', 'comment', 'community', 'flag',
      'link', 'map_cell', 'map_change', 'membership', 'need', 'person', 'pledge', 'postcode', 'proposal',
      'state_change', 'tally', 'tally_change', 'transition', 'update', 'word']
    LOOP
      IF to_regclass('public.' || quote_ident(name)) IS NOT NULL THEN
        EXECUTE format('GRANT SELECT ON public.%I TO civic_read', name);
      END IF;
    END LOOP;
    -- How a file was understood shows cells of it, which may be anybody's address: no public read has to do with it.
    IF to_regclass('public.import_run') IS NOT NULL THEN
      REVOKE ALL ON public.import_run FROM civic_read;
    END IF;
  END IF;

  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'civic_write') THEN
    GRANT USAGE ON SCHEMA public, vault, procrastinate TO civic_write;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO civic_write;
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO civic_write;
    -- History is only ever appended to; the legal steps and the schema's version are not the service's to change.
    REVOKE UPDATE, DELETE ON history, state_change FROM civic_write;
    REVOKE INSERT, UPDATE, DELETE ON transition, alembic_version, spatial_ref_sys FROM civic_write;
    GRANT INSERT ON ALL TABLES IN SCHEMA vault TO civic_write;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA vault TO civic_write;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA procrastinate TO civic_write;
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA procrastinate TO civic_write;
  END IF;
END $$;
