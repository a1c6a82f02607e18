-- Rights of shortlinks_app, the user of all processes but `migrate`: rows, and no DDL. Run as
-- a superuser in the database, whose owner is shortlinks. Safe to repeat.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO shortlinks_app;
GRANT SELECT, USAGE ON ALL SEQUENCES IN SCHEMA public TO shortlinks_app;
ALTER DEFAULT PRIVILEGES FOR ROLE shortlinks
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO shortlinks_app;
ALTER DEFAULT PRIVILEGES FOR ROLE shortlinks
  GRANT SELECT, USAGE ON SEQUENCES TO shortlinks_app;
REVOKE TEMPORARY ON DATABASE shortlinks FROM PUBLIC;
