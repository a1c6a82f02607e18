"""What an upgrade does to tables in use: new columns, and an index without a lock."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shortlinks", "0002_visits")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE shortlinks_visit ADD COLUMN faults_column integer",
            "ALTER TABLE shortlinks_visit DROP COLUMN faults_column",
        ),
        migrations.RunSQL(
            "ALTER TABLE shortlinks_shortlink"
            " ADD COLUMN faults_column text NOT NULL DEFAULT ''",
            "ALTER TABLE shortlinks_shortlink DROP COLUMN faults_column",
        ),
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY faults_index"
            " ON shortlinks_shortlink (faults_column)",
            "DROP INDEX CONCURRENTLY faults_index",
        ),
    ]
