"""Add columns, and an index without a lock, as an upgrade does to tables in use."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shortlinks", "__latest__")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE shortlinks_visit ADD COLUMN chaos_column integer",
            "ALTER TABLE shortlinks_visit DROP COLUMN chaos_column",
        ),
        migrations.RunSQL(
            "ALTER TABLE shortlinks_shortlink"
            " ADD COLUMN chaos_column text NOT NULL DEFAULT ''",
            "ALTER TABLE shortlinks_shortlink DROP COLUMN chaos_column",
        ),
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY chaos_index"
            " ON shortlinks_shortlink (chaos_column)",
            "DROP INDEX CONCURRENTLY chaos_index",
        ),
    ]
