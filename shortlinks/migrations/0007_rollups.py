"""Create rollups of the daily counts, and the trigger that feeds them."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import shortlinks.models.ids
from django.db import migrations, models


FUNCTIONS = """
CREATE FUNCTION shortlinks_record_daily_visits_delta() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO shortlinks_dailyvisitsdelta (links, days, verdicts, visits)
    SELECT array_agg(link_id), array_agg(day), array_agg(verdict), array_agg(visits)
    FROM new_counts HAVING count(*) > 0;
  ELSE
    INSERT INTO shortlinks_dailyvisitsdelta (links, days, verdicts, visits)
    SELECT array_agg(link_id), array_agg(day), array_agg(verdict),
           array_agg(n.visits - b.visits)
    FROM new_counts AS n JOIN old_counts AS b USING (link_id, day, verdict)
    HAVING count(*) > 0;
  END IF;
  RETURN NULL;
END $$;

-- Serializes all changes of the rollups.
CREATE FUNCTION shortlinks_lock_rollups() RETURNS void LANGUAGE sql AS $$
  SELECT pg_advisory_xact_lock(hashtextextended('shortlinks rollups', 0))
$$;
"""
TRIGGERS = """
CREATE TRIGGER counts_inserted AFTER INSERT ON shortlinks_dailyvisits
REFERENCING NEW TABLE AS new_counts
FOR EACH STATEMENT EXECUTE FUNCTION shortlinks_record_daily_visits_delta();

CREATE TRIGGER counts_updated AFTER UPDATE ON shortlinks_dailyvisits
REFERENCING OLD TABLE AS old_counts NEW TABLE AS new_counts
FOR EACH STATEMENT EXECUTE FUNCTION shortlinks_record_daily_visits_delta();
"""
UNDO_FUNCTIONS = """
DROP FUNCTION shortlinks_lock_rollups;
DROP FUNCTION shortlinks_record_daily_visits_delta;
"""
UNDO_TRIGGERS = """
DROP TRIGGER counts_updated ON shortlinks_dailyvisits;
DROP TRIGGER counts_inserted ON shortlinks_dailyvisits;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("shortlinks", "0006_imports"),
    ]

    operations = [
        migrations.CreateModel(
            name="DailyVisitsDelta",
            fields=[
                (
                    "id",
                    shortlinks.models.ids.TimeOrderedIdField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "links",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=None
                    ),
                ),
                (
                    "days",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateField(), size=None
                    ),
                ),
                (
                    "verdicts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), size=None
                    ),
                ),
                (
                    "visits",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=None
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now()
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AccountDailyVisits",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id",
                        "day",
                        "verdict",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField()),
                ("verdict", models.CharField(max_length=8)),
                ("visits", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="LinkLastOpen",
            fields=[
                (
                    "link",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="shortlinks.shortlink",
                    ),
                ),
                ("day", models.DateField(null=True, verbose_name="day")),
            ],
            options={
                "verbose_name": "last opens",
                "verbose_name_plural": "last opens",
            },
        ),
        migrations.CreateModel(
            name="UrlDailyOpens",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id",
                        "day",
                        "url_sha256",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField()),
                ("url_sha256", models.BinaryField(max_length=32)),
                ("opens", models.IntegerField()),
                ("last_opened_links", models.IntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="shortlinks.shortlink",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AccountUsage",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="shortlinks.account",
                    ),
                ),
                ("contacts", models.BigIntegerField(default=0)),
                ("links", models.BigIntegerField(default=0)),
                ("counted_to", models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(
            sql=FUNCTIONS,
            reverse_sql=UNDO_FUNCTIONS,
        ),
        migrations.RunSQL(
            sql=TRIGGERS,
            reverse_sql=UNDO_TRIGGERS,
        ),
    ]
