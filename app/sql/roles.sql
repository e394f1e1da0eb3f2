-- roles
-- The two login roles of the service; safe to run again. Give them passwords afterwards where the server asks for one.
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'civic_write') THEN
    CREATE ROLE civic_write LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'civic_read') THEN
    CREATE ROLE civic_read LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
  END IF;
  ALTER ROLE civic_read SET default_transaction_read_only = on;
  ALTER ROLE civic_read SET statement_timeout = '15s';
  -- A long job says SET LOCAL statement_timeout = 0 for itself.
  ALTER ROLE civic_write SET statement_timeout = '30s';
  ALTER ROLE civic_write SET lock_timeout = '10s';
END $$;
