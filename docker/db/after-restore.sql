-- Ids that were given after the moment of the restore are known outside: to integrations, to
-- browsers, to visits in the spool. They must not be given to somebody else.
DO $$
DECLARE
  name text;
BEGIN
  FOR name IN SELECT format('%I.%I', schemaname, sequencename) FROM pg_sequences
              WHERE schemaname = 'public' AND max_value > 1e12
  LOOP
    EXECUTE format('SELECT setval(%L, nextval(%L) + 10000000)', name, name);
  END LOOP;
END $$;
