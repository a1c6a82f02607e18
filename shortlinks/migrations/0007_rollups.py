"""Create rollups of the daily counts, and the trigger that feeds them."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


FUNCTIONS = """
CREATE FUNCTION shortlinks_record_daily_visits_delta() RETURNS trigger LANGUAGE plpgsql AS $$
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

-- Recomputes the latest open of these links from the daily counts.
CREATE FUNCTION shortlinks_roll_up_last_opens(first bigint, last bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM shortlinks_lock_rollups();
  INSERT INTO shortlinks_linklastopen AS existing (link_id, day)
  SELECT link_id, max(day) FILTER (WHERE visits > 0) FROM shortlinks_dailyvisits
  WHERE link_id BETWEEN first AND last AND verdict = 'person'
  GROUP BY link_id
  ON CONFLICT (link_id) DO UPDATE SET day = excluded.day
    WHERE existing.day IS DISTINCT FROM excluded.day;
END $$;

-- Recomputes the rollups of a day: daily counts minus deltas not rolled up yet.
CREATE FUNCTION shortlinks_roll_up_day(asked date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM shortlinks_lock_rollups();
  DELETE FROM shortlinks_accountdailyvisits WHERE day = asked;
  DELETE FROM shortlinks_urldailyopens WHERE day = asked;
  WITH counter AS MATERIALIZED (
    SELECT link_id, verdict, visits, true AS is_counted
    FROM shortlinks_dailyvisits WHERE day = asked
    UNION ALL
    SELECT c.link_id, c.verdict, -c.visits, false FROM shortlinks_dailyvisitsdelta AS change
    CROSS JOIN unnest(change.links, change.days, change.verdicts, change.visits)
      AS c (link_id, day, verdict, visits)
    WHERE c.day = asked),
  by_verdict AS (
    INSERT INTO shortlinks_accountdailyvisits (account_id, day, verdict, visits)
    SELECT link.account_id, asked, verdict, sum(visits)
    FROM counter JOIN shortlinks_shortlink AS link ON link.id = counter.link_id
    GROUP BY 1, 3)
  INSERT INTO shortlinks_urldailyopens (account_id, day, url_sha256, opens, last_opened_links, link_id)
  SELECT link.account_id, asked, link.url_sha256, sum(visits),
         count(*) FILTER (WHERE is_counted AND latest.day = asked), max(link.id)
  FROM counter JOIN shortlinks_shortlink AS link ON link.id = counter.link_id
  LEFT JOIN shortlinks_linklastopen AS latest ON latest.link_id = counter.link_id
  WHERE verdict = 'person' GROUP BY 1, 3;
END $$;
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
DROP FUNCTION shortlinks_roll_up_day;
DROP FUNCTION shortlinks_roll_up_last_opens;
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
                    models.BigAutoField(
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
                ("day", models.DateField(null=True)),
            ],
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
        migrations.RunSQL(
            sql=FUNCTIONS,
            reverse_sql=UNDO_FUNCTIONS,
        ),
        migrations.RunSQL(
            sql=TRIGGERS,
            reverse_sql=UNDO_TRIGGERS,
        ),
    ]
